//! `ciro sponsor sponsorship-key`: keys that games and devices carry. They ask for the sponsor's money, within its policy, and
//! allow nothing else.

use std::io::Write;

use ciro_api::{SponsorId, SponsorKeyId};
use ciro_paymaster::sponsors;
use clap::Subcommand;

use super::connect;

/// What is done to them.
#[derive(Subcommand)]
pub enum SponsorshipKeyCommand {
    /// Make a key and print it. It is shown this once: only its hash is stored.
    Create {
        /// The paymaster's database.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
        /// Whose money.
        #[arg(long)]
        sponsor: SponsorId,
        /// What people know it by.
        #[arg(long)]
        name: String,
        /// How many days it lives.
        #[arg(long, default_value_t = 90)]
        days: u16,
    },
    /// End a key at once.
    Revoke {
        /// The paymaster's database.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
        /// The part of the key before the dot.
        #[arg(long)]
        id: SponsorKeyId,
    },
}

pub(super) async fn run(
    command: SponsorshipKeyCommand,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match command {
        SponsorshipKeyCommand::Create { database_url, sponsor, name, days } => {
            let client = connect(&database_url).await?;
            let key = sponsors::create_sponsorship_key(&client, sponsor, &name, days).await?;
            writeln!(out, "{key}")?;
        }
        SponsorshipKeyCommand::Revoke { database_url, id } => {
            let client = connect(&database_url).await?;
            let was_live = sponsors::revoke_sponsorship_key(&client, id).await?;
            anyhow::ensure!(was_live, "there is no live key {id}");
            writeln!(out, "{id} is revoked")?;
        }
    }
    Ok(())
}
