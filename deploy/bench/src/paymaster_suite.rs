//! The run of the suite `paymaster`: a whole development network, three accounts that ask it, and the same accounts acting for
//! themselves beside it.

mod cashier;
mod decide;
mod gas;
mod table;

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::Instant;

use self::cashier::{Cashier, Shared};
use crate::{
    desk::fresh_dir,
    latency::{Percentiles, per_second, round},
    machine::Machine,
    publish::publish,
};

/// How the suite is run.
#[derive(Args)]
pub(crate) struct Flags {
    /// Below a minute, to see that every figure is there. Its numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// Keep the report as `docs/src/bench/paymaster.json`.
    #[arg(long, conflicts_with = "quick")]
    write: bool,
    /// Nothing here is made of it; every suite takes it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How much is done.
#[derive(Clone, Copy, Debug, Serialize)]
struct Profile {
    name: &'static str,
    builds: usize,
    one_at_a_time: usize,
    together: usize,
}

const FULL: Profile = Profile { name: "full", builds: 300, one_at_a_time: 40, together: 240 };
const QUICK: Profile = Profile { name: "quick", builds: 10, one_at_a_time: 3, together: 12 };

/// Operations in a time.
#[derive(Debug, Serialize)]
struct Rate {
    operations: usize,
    per_s: f64,
    took_s: f64,
}

impl Rate {
    fn of(operations: usize, took: Duration) -> Self {
        let count = u64::try_from(operations).unwrap_or(u64::MAX);
        let took_s = round(took.as_secs_f64());
        Self { operations, per_s: per_second(count, took), took_s }
    }
}

/// One run.
#[derive(Debug, Serialize)]
struct Report {
    suite: &'static str,
    /// RFC 3339.
    measured_at: String,
    took_s: u64,
    rerun: &'static str,
    profile: Profile,
    machine: Machine,
    relayers: usize,
    /// One client, one after the other; everything is in memory that can be.
    build_ms: Percentiles,
    /// The account's own transactions, each sent when the one before is in a block.
    by_the_account_itself: Rate,
    /// The same through the paymaster, one at a time.
    relayed_one_at_a_time: Rate,
    /// The same, all asked for at once.
    relayed_together: Rate,
    shared: Shared,
    ratios: BTreeMap<&'static str, f64>,
    policy_decision_us: decide::Decisions,
    l2_gas: gas::Gas,
}

/// Measures, prints the table and, as the last line, the report in JSON.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let begun = Instant::now();
    let profile = if flags.quick { QUICK } else { FULL };
    let load_average = Machine::load_average()?;
    let policy_decision_us = decide::measure()?;
    let dir = fresh_dir("paymaster");
    let dev = ciro::dev::start(&dir).await?;
    let network = &dev.network;
    let machine =
        Machine::of(&network.database_url, &network.redis_url, &dir, load_average).await?;
    let cashier = Cashier::open(network).await?;
    let build_ms = cashier.builds(profile.builds).await?;
    let itself = cashier.by_itself(profile.one_at_a_time).await?;
    let alone = cashier.one_at_a_time(profile.one_at_a_time).await?;
    let (together, shared) = cashier.together(profile.together).await?;
    dev.stop().await?;
    fs::remove_dir_all(&dir).with_context(|| format!("removing {}", dir.display()))?;
    let by_the_account_itself = Rate::of(profile.one_at_a_time, itself);
    let relayed_one_at_a_time = Rate::of(profile.one_at_a_time, alone);
    let relayed_together = Rate::of(profile.together, together);
    let l2_gas = gas::read()?;
    let mut ratios = l2_gas.ratios();
    let over = |name, rate: &Rate, of: &Rate| (name, round(rate.per_s / of.per_s));
    ratios.extend([
        over("together_over_one_at_a_time", &relayed_together, &relayed_one_at_a_time),
        over("together_over_the_account_itself", &relayed_together, &by_the_account_itself),
        over(
            "one_at_a_time_over_the_account_itself",
            &relayed_one_at_a_time,
            &by_the_account_itself,
        ),
    ]);
    let report = Report {
        suite: "paymaster",
        measured_at: OffsetDateTime::now_utc().format(&Rfc3339)?,
        took_s: begun.elapsed().as_secs(),
        rerun: "make bench SUITE=paymaster",
        profile,
        machine,
        relayers: cashier::RELAYERS,
        build_ms,
        by_the_account_itself,
        relayed_one_at_a_time,
        relayed_together,
        shared,
        ratios,
        policy_decision_us,
        l2_gas,
    };
    publish("paymaster", flags.write, &report, table::of(&report)?)
}
