//! Thousands of workers that wait for work at one gateway: what they cost while nothing happens, and how soon one of
//! them has a job that comes.

use std::time::Duration;

use anyhow::Context;
use ciro_api::limits;
use serde::Serialize;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    accept::Post,
    connection::Connection,
    cpu::{self, Cores, Used},
    desk::Desk,
    fill,
    jobs::Jobs,
    latency::Percentiles,
    profile::Profile,
};

/// A worker asks again after this long, as long as the gateway lets it wait.
const WAIT_MS: u64 = limits::WAIT_MS_MAX;
/// A job that reaches nobody for this long is lost, and the run with it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Crowd {
    pub(crate) workers: usize,
    /// Of the gateway, to Redis, while all wait.
    pub(crate) redis_connections: i64,
    /// Of the gateway, to `PostgreSQL`.
    pub(crate) postgres_connections: i64,
    /// The gateway's memory before anyone waited, and while all do.
    pub(crate) gateway_mib_before: f64,
    pub(crate) gateway_mib: f64,
    /// What all use while nothing happens.
    pub(crate) idle_cores: Cores,
    /// From the 202 of a job until one of them had it.
    pub(crate) wake_ms: Percentiles,
}

/// Lets them wait, and wakes some.
pub(crate) async fn measure(
    desk: &mut Desk,
    token: &str,
    jobs: Jobs,
    profile: &Profile,
) -> anyhow::Result<Crowd> {
    let gateway = desk.service.pid().context("the gateway has ended")?;
    let gateway_mib_before = cpu::resident_mib(gateway)?;
    let pool = desk.filled.pool.clone();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for mut worker in desk.workers(profile.crowd, fill::WORKERS).await? {
        let (tell, pool) = (tell.clone(), pool.clone());
        workers.spawn(async move {
            loop {
                let leases = worker.lease(&pool, 1, WAIT_MS).await?;
                if leases.is_empty() {
                    continue;
                }
                let now = Instant::now();
                worker.finish(&leases).await?;
                if tell.send(now).is_err() {
                    return anyhow::Ok(());
                }
            }
        });
    }
    let mut device = Connection::open(desk.gateway, Some(token)).await?;
    // The first comes after all of their requests, so when it is done they are all in.
    wake(&mut device, &jobs, 0, &mut told, &mut workers).await?;
    let before = Used::now(desk)?;
    let pause = profile.measure() / 2;
    sleep(pause).await;
    let idle_cores = Used::now(desk)?.since(&before, pause);
    let mut wakes = Vec::with_capacity(profile.crowd_wakes);
    for number in (1..).take(profile.crowd_wakes) {
        wakes.push(wake(&mut device, &jobs, number, &mut told, &mut workers).await?);
    }
    let crowd = Crowd {
        workers: profile.crowd,
        redis_connections: redis_connections(desk).await?,
        postgres_connections: postgres_connections(desk).await?,
        gateway_mib_before,
        gateway_mib: cpu::resident_mib(gateway)?,
        idle_cores,
        wake_ms: Percentiles::of(wakes)?,
    };
    workers.shutdown().await;
    Ok(crowd)
}

/// Posts a job and waits until a worker has handed it in; returns how long it was on its way there.
async fn wake(
    device: &mut Connection,
    jobs: &Jobs,
    number: u64,
    told: &mut mpsc::UnboundedReceiver<Instant>,
    workers: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Duration> {
    Post::Single.send(device, jobs, number).await?;
    let accepted = Instant::now();
    tokio::select! {
        leased = timeout(PATIENCE, told.recv()) => {
            let leased = leased.context("a job reached none of the waiting workers")?;
            let leased = leased.context("all workers are gone")?;
            Ok(leased.saturating_duration_since(accepted))
        }
        Some(broken) = workers.join_next() => {
            broken??;
            anyhow::bail!("a worker went home")
        }
    }
}

async fn redis_connections(desk: &Desk) -> anyhow::Result<i64> {
    let client = redis::Client::open(desk.stores.redis.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("INFO").arg("clients").query_async(&mut connection).await?;
    let line = info.lines().find_map(|line| line.strip_prefix("connected_clients:"));
    // One of them is ours.
    Ok(line.context("Redis does not say how many clients it has")?.trim().parse::<i64>()? - 1)
}

async fn postgres_connections(desk: &Desk) -> anyhow::Result<i64> {
    let client = fill::connect(desk.stores.postgres.url()).await?;
    let count = "SELECT count(*) FROM pg_stat_activity \
                 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    Ok(client.query_one(count, &[]).await?.try_get(0)?)
}
