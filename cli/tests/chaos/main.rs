//! Does the queue keep its promises while everything that it stands on dies? Real gateways, workers, `PostgreSQL`
//! and Redis; jobs come in while a driver with a seeded list of faults kills, freezes, wipes and cuts.
//!
//! Never starts a chain: what is settled, and that it is settled once, is tried elsewhere. Receipts and the sponsor's
//! holds are in the database, and are checked to the fri.

mod audit;
mod clients;
mod driver;
mod gateways;
mod plan;
mod settings;
mod shares;
mod sloppy;
mod street;
mod workers;
mod world;

use std::io::{self, Write};

use anyhow::Context;

use crate::{
    audit::Audit, clients::Clients, driver::Driver, plan::Plan, settings::Settings, sloppy::Sloppy,
    world::World,
};

/// Says it at once, also where a test's output is only shown at its end.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_lost_or_done_twice_whatever_dies() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let Settings { jobs, seed, .. } = settings;
    let seconds = settings.faults_for.as_secs();
    say(&format!(
        "chaos: {jobs} jobs and faults for {seconds} s; the same again with \
         CIRO_CHAOS_SEED={seed} CIRO_CHAOS_JOBS={jobs} CIRO_CHAOS_SECONDS={seconds}"
    ))?;
    let ran = run(&settings).await;
    if ran.is_err() {
        say(&format!("chaos: this run is not good; seed {seed}"))?;
    }
    ran
}

async fn run(settings: &Settings) -> anyhow::Result<()> {
    let plan = Plan::of(settings);
    let world = World::start().await?;
    say(&format!("chaos: logs are in {}", world.dir().display()))?;
    let clients = Clients::enrol(&world, settings).await?;
    let sloppy = Sloppy::log_in(&world, settings).await?;
    let driver = Driver::new(world);
    let (faults, mut seen, mut taken) = tokio::try_join!(
        async { driver.run(&plan).await.context("a fault could not be done or undone") },
        async { clients.run().await.context("a client was told what it never should be") },
        async { sloppy.clone().run().await.context("a worker was told what it never should be") },
    )?;
    let world = driver.into_world()?;
    let drained = audit::until_drained(&world, settings.patience).await?;
    say(&format!("chaos: {:.1} s until the last job had ended", drained.as_secs_f64()))?;
    world.stop_workers().await?;
    let (shares, more_seen, more_taken) = shares::measure(&world, &sloppy, settings).await?;
    say(&format!("chaos: afterwards, {shares}"))?;
    seen.extend(more_seen);
    taken.extend(more_taken);
    let audit = audit::after(&world, &seen, &taken).await?;
    say(&format!("chaos: {audit}"))?;
    let verdict = audit.check(settings.jobs + shares::JOBS).and_then(|()| shares.check());
    if verdict.is_ok() {
        // Otherwise the logs stay.
        world.stop().await?;
    }
    let Settings { jobs, seed, .. } = settings;
    let Audit { lost, doubled, .. } = audit;
    say(&format!(
        "chaos: {jobs} jobs, {faults} faults, {lost} lost, {doubled} doubled, seed {seed}"
    ))?;
    verdict
}
