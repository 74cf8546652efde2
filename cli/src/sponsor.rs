//! `ciro sponsor`: API keys for the servers of sponsors, their claim tokens, policies and caps. Works on the database that the
//! gateway uses.

mod claim_token;
mod operations;
mod policy;
mod sponsorship_key;

use std::{io::Write, num::NonZeroU16};

use anyhow::Context;
use ciro_api::{SponsorId, SponsorKeyId, SponsorScope};
use ciro_gateway::sponsors::{self, NewKey};
use clap::{Args, Subcommand};
use tokio_postgres::{Client, NoTls};

pub use claim_token::{
    ClaimTokenCommand, CreateFlags as CreateClaimTokenFlags, RevokeFlags as RevokeClaimTokenFlags,
    WhoseFlags,
};
pub use operations::OperationsFlags;
pub use policy::{CallText, ExplainFlags, PolicyCommand, SetFlags as SetPolicyFlags};
pub use sponsorship_key::SponsorshipKeyCommand;

/// What an operator does for sponsors.
#[derive(Subcommand)]
pub enum SponsorCommand {
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Claim tokens.
    #[command(subcommand)]
    ClaimToken(ClaimTokenCommand),
    /// What the sponsor pays for in transactions.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Keys that apps ask the paymaster with.
    #[command(subcommand)]
    SponsorshipKey(SponsorshipKeyCommand),
    /// What its operations on chain came to, and what its policy has refused.
    Operations(OperationsFlags),
    /// Let at most so many jobs of a sponsor run at once in each pool, or lift that cap.
    Cap(CapFlags),
}

/// Whose cap, and which.
#[derive(Args, Clone, Debug)]
pub struct CapFlags {
    /// The gateway's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Whose.
    #[arg(long)]
    pub sponsor: SponsorId,
    /// How many. Without it, the sponsor has no cap.
    #[arg(long)]
    pub running_max: Option<NonZeroU16>,
}

/// What is done to API keys.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it. It is shown this once: only its hash is stored.
    Create(CreateFlags),
    /// End a key at once.
    Revoke(RevokeFlags),
}

/// What the key is to be.
#[derive(Args, Clone, Debug)]
pub struct CreateFlags {
    /// The gateway's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Whose key.
    #[arg(long)]
    pub sponsor: SponsorId,
    /// What people know it by.
    #[arg(long)]
    pub name: String,
    /// What it allows: `read` to see budget, usage, devices and claim tokens; `manage` to revoke devices, to make and revoke
    /// claim tokens, and to manage webhooks. May be given twice.
    #[arg(long = "scope", required = true)]
    pub scopes: Vec<SponsorScope>,
    /// How many days it lives.
    #[arg(long, default_value_t = 90)]
    pub days: u16,
}

/// Which key ends.
#[derive(Args, Clone, Debug)]
pub struct RevokeFlags {
    /// The gateway's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The part of the key before the dot.
    #[arg(long)]
    pub id: SponsorKeyId,
}

/// Runs the command.
pub async fn run(command: SponsorCommand, out: &mut impl Write) -> anyhow::Result<()> {
    let command = match command {
        SponsorCommand::Key(command) => command,
        SponsorCommand::ClaimToken(command) => return claim_token::run(command, out).await,
        SponsorCommand::Policy(command) => return policy::run(command, out).await,
        SponsorCommand::SponsorshipKey(command) => return sponsorship_key::run(command, out).await,
        SponsorCommand::Operations(flags) => return operations::run(&flags, out).await,
        SponsorCommand::Cap(flags) => return cap(&flags, out).await,
    };
    match command {
        KeyCommand::Create(flags) => {
            let client = connect(&flags.database_url).await?;
            let key = NewKey {
                sponsor: flags.sponsor,
                name: flags.name,
                scopes: flags.scopes,
                days: flags.days,
            };
            let created = sponsors::create_key(&client, &key).await?;
            writeln!(out, "{}", created.text)?;
        }
        KeyCommand::Revoke(flags) => {
            let client = connect(&flags.database_url).await?;
            let was_live = sponsors::revoke_key(&client, flags.id).await?;
            anyhow::ensure!(was_live, "there is no live key {}", flags.id);
            writeln!(out, "{} is revoked", flags.id)?;
        }
    }
    Ok(())
}

async fn cap(flags: &CapFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let client = connect(&flags.database_url).await?;
    sponsors::set_cap(&client, flags.sponsor, flags.running_max).await?;
    let what =
        flags.running_max.map_or("no cap".to_owned(), |cap| format!("at most {cap} at once"));
    writeln!(out, "jobs of {} in each pool: {what}", flags.sponsor)?;
    Ok(())
}

/// A connection to the database at `url`.
pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("connecting to the database")?;
    // Ends with its client; a fault on it fails the statement, which says so.
    tokio::spawn(connection);
    Ok(client)
}
