//! The run of the suite `paymaster`: a whole development network, three accounts that ask it, and the same accounts acting for
//! themselves beside it.

mod cashier;
mod decide;
mod gas;
mod table;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::Context;
use ciro::stack::{StackConfig, ToolPaths};
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
    /// The same, where each waits for a block.
    one_at_a_time_of_slow_blocks: usize,
    together: usize,
}

const FULL: Profile = Profile {
    name: "full",
    builds: 300,
    one_at_a_time: 40,
    one_at_a_time_of_slow_blocks: 10,
    together: 240,
};
const QUICK: Profile = Profile {
    name: "quick",
    builds: 10,
    one_at_a_time: 3,
    one_at_a_time_of_slow_blocks: 2,
    together: 12,
};

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

/// The same operations in three ways, on one chain.
#[derive(Debug, Serialize)]
struct Rates {
    /// The account's own transactions, each sent when the one before is in a block.
    by_the_account_itself: Rate,
    /// The same through the paymaster, one at a time.
    relayed_one_at_a_time: Rate,
    /// The same, all asked for at once.
    relayed_together: Rate,
    shared: Shared,
}

impl Rates {
    async fn measure(
        cashier: &Cashier,
        one_at_a_time: usize,
        together: usize,
    ) -> anyhow::Result<Self> {
        let itself = cashier.by_itself(one_at_a_time).await?;
        let alone = cashier.one_at_a_time(one_at_a_time).await?;
        let (took, shared) = cashier.together(together).await?;
        Ok(Self {
            by_the_account_itself: Rate::of(one_at_a_time, itself),
            relayed_one_at_a_time: Rate::of(one_at_a_time, alone),
            relayed_together: Rate::of(together, took),
            shared,
        })
    }

    fn ratios(&self) -> [f64; 3] {
        let over = |rate: &Rate, of: &Rate| round(rate.per_s / of.per_s);
        [
            over(&self.relayed_together, &self.relayed_one_at_a_time),
            over(&self.relayed_together, &self.by_the_account_itself),
            over(&self.relayed_one_at_a_time, &self.by_the_account_itself),
        ]
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
    /// On a chain that makes a block of each transaction at once.
    block_each: Rates,
    /// On one that makes a block each second, of what there is.
    block_each_second: Rates,
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
    let block_each = Rates::measure(&cashier, profile.one_at_a_time, profile.together).await?;
    dev.stop().await?;
    remove(&dir)?;
    let block_each_second = on_slow_blocks(profile).await?;
    let l2_gas = gas::read()?;
    let mut ratios = l2_gas.ratios();
    let [together, itself, alone] = block_each.ratios();
    ratios.extend([
        ("together_over_one_at_a_time", together),
        ("together_over_the_account_itself", itself),
        ("one_at_a_time_over_the_account_itself", alone),
    ]);
    let [together, itself, alone] = block_each_second.ratios();
    ratios.extend([
        ("block_each_second_together_over_one_at_a_time", together),
        ("block_each_second_together_over_the_account_itself", itself),
        ("block_each_second_one_at_a_time_over_the_account_itself", alone),
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
        block_each,
        block_each_second,
        ratios,
        policy_decision_us,
        l2_gas,
    };
    publish("paymaster", flags.write, &report, table::of(&report)?)
}

/// A network of its own, because a chain makes blocks in one way as long as it lives.
async fn on_slow_blocks(profile: Profile) -> anyhow::Result<Rates> {
    let dir = fresh_dir("paymaster-slow");
    let mut config = StackConfig::new(&dir, ToolPaths::find()?);
    config.devnet.extra_args = vec!["--block-generation-on".to_owned(), "1".to_owned()];
    let dev = ciro::dev::start_on(config).await?;
    let cashier = Cashier::open(&dev.network).await?;
    let rates =
        Rates::measure(&cashier, profile.one_at_a_time_of_slow_blocks, profile.together).await?;
    dev.stop().await?;
    remove(&dir)?;
    Ok(rates)
}

fn remove(dir: &Path) -> anyhow::Result<()> {
    fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))
}
