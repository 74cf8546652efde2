//! `ciro sponsor claim-token`: what a sponsor hands out with a batch of devices.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ciro_api::{
    ClaimTokenId, Serial, SponsorId, limits,
    rest::claim_tokens::{ClaimToken, CreateClaimToken},
};
use ciro_gateway::sponsors;
use clap::{Args, Subcommand};

use super::connect;

/// What is done to claim tokens.
#[derive(Subcommand)]
pub enum ClaimTokenCommand {
    /// Make a claim token and print its id and its text. The text is shown this once: only its hash is stored.
    Create(CreateFlags),
    /// Print a sponsor's claim tokens, newest first, without their texts.
    List(WhoseFlags),
    /// End a claim token at once. Devices that it enrolled go on.
    Revoke(RevokeFlags),
}

/// Whose claim tokens.
#[derive(Args, Clone, Debug)]
pub struct WhoseFlags {
    /// The gateway's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Whose.
    #[arg(long)]
    pub sponsor: SponsorId,
}

/// What the claim token is to be.
#[derive(Args, Clone, Debug)]
pub struct CreateFlags {
    /// Whose.
    #[command(flatten)]
    pub whose: WhoseFlags,
    /// What people know it by.
    #[arg(long)]
    pub name: String,
    /// How many devices it may enrol.
    #[arg(long)]
    pub claims: u32,
    /// How long it lives, in seconds.
    #[arg(long, default_value_t = 86_400)]
    pub expires_in_s: u32,
    /// A file with the only serials that it is good for, one a line. Without it, it is good for all.
    #[arg(long)]
    pub serials_file: Option<PathBuf>,
}

/// Which claim token ends.
#[derive(Args, Clone, Debug)]
pub struct RevokeFlags {
    /// Whose.
    #[command(flatten)]
    pub whose: WhoseFlags,
    /// Its id, as `list` shows it.
    #[arg(long)]
    pub id: ClaimTokenId,
}

pub(super) async fn run(command: ClaimTokenCommand, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        ClaimTokenCommand::Create(flags) => create(flags, out).await,
        ClaimTokenCommand::List(flags) => list(&flags, out).await,
        ClaimTokenCommand::Revoke(flags) => revoke(&flags, out).await,
    }
}

async fn create(flags: CreateFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let wanted = CreateClaimToken {
        name: flags.name,
        claims: flags.claims,
        expires_in_s: flags.expires_in_s,
        serials: flags.serials_file.as_deref().map(read_serials).transpose()?,
    };
    let mut client = connect(&flags.whose.database_url).await?;
    let made = sponsors::create_claim_token(&mut client, flags.whose.sponsor, &wanted).await?;
    writeln!(out, "{} {}", made.id, made.claim_token)?;
    Ok(())
}

fn read_serials(path: &Path) -> anyhow::Result<Vec<Serial>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let numbered = text.lines().enumerate();
    numbered
        .map(|(place, line)| {
            line.parse().with_context(|| format!("line {} of {}", place + 1, path.display()))
        })
        .collect()
}

async fn list(flags: &WhoseFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let client = connect(&flags.database_url).await?;
    let all = u32::try_from(limits::CLAIM_TOKENS_MAX + limits::CLAIM_TOKENS_ENDED_MAX)?;
    for token in sponsors::claim_tokens(&client, flags.sponsor, None, all).await? {
        writeln!(out, "{}", line(&token))?;
    }
    Ok(())
}

fn line(token: &ClaimToken) -> String {
    let ClaimToken { id, name, claims_left, claims_max, expires_at, .. } = token;
    let serials = token.serials_count.map(|count| format!(", for {count} serials"));
    let end = match token.revoked_at {
        Some(at) => format!("revoked {at}"),
        None => format!("until {expires_at}"),
    };
    let serials = serials.unwrap_or_default();
    format!("{id} {claims_left} of {claims_max} claims left{serials}, {end}: {name}")
}

async fn revoke(flags: &RevokeFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let client = connect(&flags.whose.database_url).await?;
    let sponsor = flags.whose.sponsor;
    let revoked = sponsors::revoke_claim_token(&client, sponsor, flags.id).await?;
    anyhow::ensure!(revoked.is_some(), "{sponsor} has no claim token {}", flags.id);
    writeln!(out, "{} is revoked", flags.id)?;
    Ok(())
}
