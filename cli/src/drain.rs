//! `ciro operator drain`: has a worker stop taking jobs, or go. Works on the database that the gateways use.

use std::io::Write;

use ciro_api::{Address, Drain};
use ciro_gateway::workers::drain;
use clap::Args;

use crate::sponsor::connect;

/// Who drains, and how.
#[derive(Args, Clone, Debug)]
pub struct DrainFlags {
    /// The gateway's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// The worker's account.
    #[arg(long)]
    pub worker: Address,
    /// `quiet`: it is given nothing more. `terminate`: it also gives back what it has not signed, and ends. `none`: it may
    /// take work again.
    #[arg(long)]
    pub mode: Drain,
}

/// Runs the command.
pub async fn run(flags: DrainFlags, out: &mut impl Write) -> anyhow::Result<()> {
    let client = connect(&flags.database_url).await?;
    drain::set(&client, flags.worker, flags.mode).await?;
    writeln!(
        out,
        "every gateway tells worker {} within ten seconds: {}",
        flags.worker, flags.mode
    )?;
    Ok(())
}
