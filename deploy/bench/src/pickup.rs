//! How long a job waits for an idle worker while the desk has half of the load that it can bear. Jobs come evenly,
//! whatever became of those before them: a job that finds no free connection waits, and its wait counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use ciro_api::{PoolName, limits};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    accept::Post, connection::Connection, desk::Desk, jobs::Jobs, latency::Percentiles,
    profile::Profile, worker::Worker,
};

const WAIT_MS: u64 = 250;

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Pickup {
    /// Jobs in a second.
    pub(crate) offered_per_s: f64,
    /// From the moment the job was to be sent until a worker had it: with the accept.
    pub(crate) post_to_worker_ms: Percentiles,
    /// From the 202, which follows the commit, until a worker had it; none where the worker was faster.
    pub(crate) commit_to_worker_ms: Percentiles,
}

/// When a job was sent, acknowledged and leased, in nanoseconds from the start; 0 is not yet.
#[derive(Default)]
struct Marks {
    sent: AtomicU64,
    told: AtomicU64,
    leased: AtomicU64,
}

struct Arrivals {
    start: Instant,
    gap: Duration,
    jobs: Jobs,
    next: AtomicU64,
    marks: Vec<Marks>,
    over: AtomicBool,
    leased: AtomicU64,
}

impl Arrivals {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn took(&self, from: impl Fn(&Marks) -> &AtomicU64) -> anyhow::Result<Percentiles> {
        let nanos = |mark: &AtomicU64| mark.load(Ordering::Relaxed);
        let took = |mark: &Marks| nanos(&mark.leased).saturating_sub(nanos(from(mark)));
        Percentiles::of(self.marks.iter().map(|mark| Duration::from_nanos(took(mark))).collect())
    }
}

/// Offers `per_second` jobs to idle workers.
pub(crate) async fn measure(
    desk: &Desk,
    tokens: &[String],
    per_second: f64,
    jobs: Jobs,
    profile: &Profile,
) -> anyhow::Result<Pickup> {
    let gap = Duration::from_secs_f64(1.0 / per_second.max(1.0));
    let count = Duration::from_secs(profile.pickup_s).as_nanos() / gap.as_nanos().max(1);
    let arrivals = Arc::new(Arrivals {
        start: Instant::now(),
        gap,
        jobs,
        next: AtomicU64::new(0),
        marks: (0..count).map(|_| Marks::default()).collect(),
        over: AtomicBool::new(false),
        leased: AtomicU64::new(0),
    });
    let mut workers = JoinSet::new();
    for worker in desk.workers(profile.worker_lines, profile.worker_lines).await? {
        workers.spawn(work(worker, Arc::clone(&arrivals), desk.filled.pool.clone()));
    }
    let mut callers = JoinSet::new();
    for token in tokens {
        let connection = Connection::open(desk.gateway, Some(token)).await?;
        callers.spawn(call(connection, Arc::clone(&arrivals)));
    }
    while let Some(over) = callers.join_next().await {
        over??;
    }
    arrivals.over.store(true, Ordering::Relaxed);
    while let Some(over) = workers.join_next().await {
        over??;
    }
    Ok(Pickup {
        offered_per_s: per_second,
        post_to_worker_ms: arrivals.took(|mark| &mark.sent)?,
        commit_to_worker_ms: arrivals.took(|mark| &mark.told)?,
    })
}

async fn call(mut connection: Connection, arrivals: Arc<Arrivals>) -> anyhow::Result<()> {
    loop {
        let number = arrivals.next.fetch_add(1, Ordering::Relaxed);
        let Some(mark) = usize::try_from(number).ok().and_then(|place| arrivals.marks.get(place))
        else {
            return Ok(());
        };
        let due = arrivals.gap * u32::try_from(number)?;
        let was_free = arrivals.start.elapsed() < due;
        sleep_until(arrivals.start + due).await;
        // The timer's own lateness is no wait of the job's; a connection that came late is.
        let sent = if was_free { arrivals.now() } else { u64::try_from(due.as_nanos())? };
        mark.sent.store(sent, Ordering::Relaxed);
        Post::Single.send(&mut connection, &arrivals.jobs, number).await?;
        mark.told.store(arrivals.now(), Ordering::Relaxed);
    }
}

async fn work(mut worker: Worker, arrivals: Arc<Arrivals>, pool: PoolName) -> anyhow::Result<()> {
    let all = u64::try_from(arrivals.marks.len())?;
    let most = usize::try_from(limits::LEASE_JOBS_MAX)?;
    while !arrivals.over.load(Ordering::Relaxed) || arrivals.leased.load(Ordering::Relaxed) < all {
        let leases = worker.lease(&pool, most, WAIT_MS).await?;
        let now = arrivals.now();
        for lease in &leases {
            let number = Jobs::number_of(&lease.input.0).context("leased a job of nobody's")?;
            let mark = arrivals.marks.get(usize::try_from(number)?);
            let mark = mark.context("leased a job of another part of the run")?;
            mark.leased.store(now, Ordering::Relaxed);
        }
        if !leases.is_empty() {
            worker.finish(&leases).await?;
            arrivals.leased.fetch_add(u64::try_from(leases.len())?, Ordering::Relaxed);
        }
    }
    Ok(())
}
