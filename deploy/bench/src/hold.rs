//! A worker that dies with leases in its hands: a process of its own takes them and is killed, and the time runs
//! until another worker has every one of its jobs.

use std::{io::Write, net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use ciro_api::{PoolName, limits};
use clap::Args;
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::{Instant, timeout},
};

use crate::{
    accept::Post,
    connection::Connection,
    desk::Desk,
    fill::{HELD_NAME, WORKERS},
    jobs::Jobs,
    latency::round,
    worker::{Worker, WorkerKey},
};

const WAIT_MS: u64 = 5_000;
/// A lease runs out after 30 s; nothing here takes four times that.
const PATIENCE: Duration = Duration::from_mins(2);
/// Which workers these are: the last two.
const DIES: usize = WORKERS - 1;
const LIVES: usize = WORKERS - 2;

/// What the process that is killed is told.
#[derive(Args)]
pub(crate) struct Flags {
    #[arg(long)]
    gateway: SocketAddr,
    #[arg(long)]
    pool: PoolName,
    #[arg(long)]
    jobs: usize,
}

/// The life of the process that is killed: one line once it holds everything.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let mut worker = log_in(flags.gateway, DIES).await?;
    let mut held = 0;
    while held < flags.jobs {
        held += worker.lease(&flags.pool, flags.jobs - held, WAIT_MS).await?.len();
    }
    writeln!(std::io::stdout(), "holds {held}")?;
    std::future::pending().await
}

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Released {
    pub(crate) jobs: usize,
    /// How long a lease lives without a heartbeat: none comes back before.
    pub(crate) lease_ttl_s: f64,
    /// From the kill until another worker had the first.
    pub(crate) first_s: f64,
    /// From the kill until it had the last.
    pub(crate) last_s: f64,
}

/// Where it happens: owned, so that it can go on beside the other parts.
pub(crate) struct Scene {
    gateway: SocketAddr,
    pool: PoolName,
    token: String,
    seed: u64,
    jobs: usize,
}

impl Scene {
    pub(crate) fn of(desk: &Desk, token: &str, seed: u64, jobs: usize) -> Self {
        let pool = desk.filled.held_pool.clone();
        Self { gateway: desk.gateway, pool, token: token.to_owned(), seed, jobs }
    }

    /// Takes the time.
    pub(crate) async fn play(self) -> anyhow::Result<Released> {
        let jobs = Jobs { seed: self.seed, series: 900, model: HELD_NAME };
        let mut connection = Connection::open(self.gateway, Some(&self.token)).await?;
        Post::Batch(self.jobs).send(&mut connection, &jobs, 0).await?;
        let killed = self.kill_a_holder().await?;
        let mut heir = log_in(self.gateway, LIVES).await?;
        let (mut first, mut taken) = (None, 0);
        while taken < self.jobs {
            ensure!(killed.elapsed() < PATIENCE, "{taken} of {} jobs came back", self.jobs);
            let leases = heir.lease(&self.pool, self.jobs, WAIT_MS).await?;
            if leases.is_empty() {
                continue;
            }
            first.get_or_insert_with(|| killed.elapsed());
            taken += leases.len();
            let again = leases.iter().all(|lease| lease.fence.epoch > 1);
            ensure!(again, "a job was leased that the killed worker did not hold");
            heir.finish(&leases).await?;
        }
        Ok(Released {
            jobs: taken,
            lease_ttl_s: Duration::from_millis(limits::LEASE_TTL_MS).as_secs_f64(),
            first_s: round(first.context("no job came back")?.as_secs_f64()),
            last_s: round(killed.elapsed().as_secs_f64()),
        })
    }

    async fn kill_a_holder(&self) -> anyhow::Result<Instant> {
        let mut holder = Command::new(std::env::current_exe()?)
            .arg("hold")
            .args(["--gateway", &self.gateway.to_string(), "--pool", self.pool.as_str()])
            .args(["--jobs", &self.jobs.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the worker that is to be killed")?;
        let said = holder.stdout.take().context("the holder has no output")?;
        let line = timeout(PATIENCE, BufReader::new(said).lines().next_line()).await??;
        line.context("the holder ended before it held anything")?;
        holder.start_kill()?;
        let killed = Instant::now();
        holder.wait().await?;
        Ok(killed)
    }
}

async fn log_in(gateway: SocketAddr, number: usize) -> anyhow::Result<Worker> {
    let key = WorkerKey::of(number);
    let token = key.log_in(gateway).await?;
    Worker::open(gateway, &key, &token).await
}
