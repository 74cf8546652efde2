//! The run of the suite `queue`: its parts in order, then the report.

use std::{collections::BTreeMap, io::Write};

use anyhow::Context;
use clap::{Args, ValueEnum};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::Instant;

use crate::{
    accept::{self, Post},
    crowd,
    desk::Desk,
    fill, flush, hold,
    jobs::Jobs,
    lives::{self, Way},
    machine::Machine,
    peers::{self, PEERS},
    pickup,
    profile::Profile,
    publish::publish,
    report::{Ciro, Measured, Report},
    table,
};

/// How many jobs a second are offered where only the pickup is measured, and half of what the desk bears is not known.
const ALONE_PER_S: f64 = 1_500.0;

/// How the suite is run.
#[derive(Args)]
pub(crate) struct Flags {
    /// Below a minute, to see that every figure is there. Its numbers mean nothing.
    #[arg(long)]
    quick: bool,
    /// Keep the report as `docs/src/bench/queue.json`.
    #[arg(long, conflicts_with = "quick")]
    write: bool,
    /// What the inputs are made of.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measure this part alone, for whoever works on it; prints no table and keeps no report.
    #[arg(long, conflicts_with = "write")]
    only: Option<Part>,
}

/// A part of the desk's own measurements.
#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Accepts: single, of one sponsor, batched.
    Accepts,
    /// Whole lives in batches.
    LivesBatched,
    /// Whole lives with every call single.
    LivesSingle,
    /// The way to a worker, at half of what the desk bears.
    Pickup,
}

/// Measures, prints the table and, as the last line, the report in JSON.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let begun = Instant::now();
    let profile = if flags.quick { Profile::QUICK } else { Profile::FULL };
    if let Some(part) = flags.only {
        return alone(part, &profile, flags.seed).await;
    }
    let load_average = Machine::load_average()?;
    let mut desk = Desk::start().await?;
    let machine =
        Machine::of(desk.stores.postgres.url(), desk.stores.redis.url(), desk.dir(), load_average)
            .await?;
    let tokens = desk.devices(profile.callers, fill::SPONSORS).await?;
    let first = tokens.first().context("there is no device")?;
    // In a queue of its own and beside the others: it mostly waits for leases to run out.
    let scene = hold::Scene::of(&desk, first, flags.seed, profile.held_jobs);
    let released = tokio::spawn(scene.play());
    let measured = measure(&mut desk, &tokens, &profile, flags.seed).await?;
    // The desk has nothing to do meanwhile and uses nothing.
    let peers = beside(&profile, flags.seed).await?;
    say("a worker that was killed with leases")?;
    let released_after_kill = released.await??;
    say("a long queue, and Redis forgets it")?;
    let flush = flush::measure(&desk, &tokens, Jobs::of(flags.seed, 5), &profile).await?;
    desk.stop().await?;
    let ciro = Ciro { measured, released_after_kill, flush };
    let report = Report {
        suite: "queue",
        measured_at: OffsetDateTime::now_utc().format(&Rfc3339)?,
        took_s: begun.elapsed().as_secs(),
        seed: flags.seed,
        rerun: format!("make bench SUITE=queue SEED={}", flags.seed),
        profile,
        machine,
        ciro,
        peers,
    };
    publish("queue", flags.write, &report, table::of(&report)?)
}

/// One part on a desk of its own.
async fn alone(part: Part, profile: &Profile, seed: u64) -> anyhow::Result<()> {
    let jobs = Jobs::of(seed, 1);
    let mut desk = Desk::start().await?;
    let tokens = desk.devices(profile.callers, fill::SPONSORS).await?;
    let desk_now = &mut desk;
    let json = match part {
        Part::Accepts => serde_json::to_string(&accepts(profile, seed).await?)?,
        Part::LivesBatched => {
            let way = Way::batched(profile);
            serde_json::to_string(&lives::measure(desk_now, &tokens, way, jobs, profile).await?)?
        }
        Part::LivesSingle => {
            let way = Way::single(profile);
            serde_json::to_string(&lives::measure(desk_now, &tokens, way, jobs, profile).await?)?
        }
        Part::Pickup => {
            let pickup = pickup::measure(&desk, &tokens, ALONE_PER_S, jobs, profile).await?;
            serde_json::to_string(&pickup)?
        }
    };
    desk.stop().await?;
    writeln!(std::io::stdout(), "{json}").context("writing to standard output")
}

async fn measure(
    desk: &mut Desk,
    tokens: &[String],
    profile: &Profile,
    seed: u64,
) -> anyhow::Result<Measured> {
    say("whole lives, batched")?;
    let jobs = |series| Jobs::of(seed, series);
    let lives_batched =
        lives::measure(desk, tokens, Way::batched(profile), jobs(1), profile).await?;
    say("whole lives, every call single")?;
    let lives_single = lives::measure(desk, tokens, Way::single(profile), jobs(2), profile).await?;
    say("accepts")?;
    // On a desk of their own: they leave a long queue behind.
    let (accept_single, accept_single_one_sponsor, accept_batch) =
        accepts(profile, seed).await.context("measuring accepts")?;
    say("pickup at half load")?;
    let half = accept_single.jobs_per_s.min(lives_batched.jobs_per_s) / 2.0;
    let pickup = pickup::measure(desk, tokens, half, jobs(3), profile).await?;
    say("a crowd of waiting workers")?;
    let first = tokens.first().context("there is no device")?;
    let crowd = crowd::measure(desk, first, jobs(4), profile).await?;
    Ok(Measured {
        accept_single,
        accept_single_one_sponsor,
        accept_batch,
        lives_batched,
        lives_single,
        pickup,
        crowd,
    })
}

/// The other queues, one after the other.
async fn beside(
    profile: &Profile,
    seed: u64,
) -> anyhow::Result<BTreeMap<&'static str, peers::Measured>> {
    let mut all = BTreeMap::new();
    for peer in PEERS {
        say(&format!("{} with its own servers", peer.name))?;
        let measured = peers::measure(peer, profile, seed).await;
        all.insert(peer.name, measured.with_context(|| format!("measuring {}", peer.name))?);
    }
    Ok(all)
}

async fn accepts(
    profile: &Profile,
    seed: u64,
) -> anyhow::Result<(accept::Accepts, accept::Accepts, accept::Accepts)> {
    let mut own = Desk::start().await?;
    let desk = &mut own;
    let spread = desk.devices(profile.callers, fill::SPONSORS).await?;
    let of_one = desk.devices(profile.callers, 1).await?;
    let batches = Post::Batch(profile.batch_jobs);
    let jobs = |series| Jobs::of(seed, series);
    let single = accept::measure(desk, &spread, Post::Single, jobs(1), profile).await?;
    let one_sponsor = accept::measure(desk, &of_one, Post::Single, jobs(2), profile).await?;
    let batch = accept::measure(desk, &spread, batches, jobs(3), profile).await?;
    own.stop().await?;
    Ok((single, one_sponsor, batch))
}

/// Progress, beside what is printed.
fn say(what: &str) -> anyhow::Result<()> {
    writeln!(std::io::stderr(), "bench: {what}").context("writing to standard error")
}
