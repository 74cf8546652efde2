//! `ciro sponsor operations`: what a sponsor's operations came to.

use std::io::Write;

use ciro_api::{SponsorId, limits, rest::operations::Operations};
use ciro_paymaster::sponsors;
use clap::Args;

use super::connect;

/// Whose, and how far back.
#[derive(Args, Clone, Debug)]
pub struct OperationsFlags {
    /// The paymaster's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Whose.
    #[arg(long)]
    pub sponsor: SponsorId,
    /// How many days in UTC, today included.
    #[arg(long, default_value_t = limits::USAGE_DAYS_DEFAULT)]
    pub days: u32,
}

pub(super) async fn run(flags: &OperationsFlags, out: &mut impl Write) -> anyhow::Result<()> {
    anyhow::ensure!(
        (1..=limits::USAGE_DAYS_MAX).contains(&flags.days),
        "a report is over 1 to {} days, not {}",
        limits::USAGE_DAYS_MAX,
        flags.days
    );
    let client = connect(&flags.database_url).await?;
    let report = sponsors::operations(&client, flags.sponsor, flags.days).await?;
    writeln!(
        out,
        "{:40} {:>9} {:>9} {:>9} {:>9} {:>26}",
        format!("last {} days", report.days),
        "succeeded",
        "failed",
        "dropped",
        "on way",
        "cost in fri"
    )?;
    line(out, "in all", &report.in_all)?;
    for one in &report.by_rule {
        line(out, &format!("rule {}", one.rule), &one.operations)?;
    }
    for one in &report.by_key {
        line(out, &one.key.to_string(), &one.operations)?;
    }
    for one in &report.by_device {
        line(out, &one.device.to_string(), &one.operations)?;
    }
    for one in &report.denials {
        let rule = one.rule.as_deref().unwrap_or("no rule");
        writeln!(out, "refused {} times: {}, by {rule}", one.denials, one.reason)?;
    }
    Ok(())
}

fn line(out: &mut impl Write, name: &str, of: &Operations) -> std::io::Result<()> {
    let Operations { succeeded, failed, dropped, on_their_way, cost_fri } = of;
    writeln!(
        out,
        "{name:40} {succeeded:>9} {failed:>9} {dropped:>9} {on_their_way:>9} {cost:>26}",
        cost = cost_fri.to_string()
    )
}
