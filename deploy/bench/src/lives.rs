//! How many whole lives of a job fit into a second: accepted, leased, run, signed, its result stored. Callers and
//! workers go at once; callers wait when workers fall behind, so that what is counted is the slower half.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use ciro_api::{PoolName, limits};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    accept::Post,
    connection::Connection,
    cpu::{Cores, Used},
    desk::Desk,
    jobs::Jobs,
    latency::per_second,
    profile::Profile,
    worker::Worker,
};

/// Between two looks whether the workers have caught up.
const BACK_OFF: Duration = Duration::from_millis(1);
/// How long a worker waits for a job; it looks afterwards whether the run is over.
const WAIT_MS: u64 = 250;

/// What was done.
#[derive(Debug, Serialize)]
pub(crate) struct Lives {
    pub(crate) jobs_per_s: f64,
    pub(crate) cores: Cores,
}

/// How many went in and came out so far.
#[derive(Default)]
struct Flow {
    posted: AtomicU64,
    done: AtomicU64,
    no_more_posts: AtomicBool,
    all_posted: AtomicBool,
}

impl Flow {
    fn outstanding(&self) -> u64 {
        self.posted.load(Ordering::Relaxed).saturating_sub(self.done.load(Ordering::Relaxed))
    }
}

/// One way to live.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) post: Post,
    /// Jobs of one lease, and results of one signature.
    pub(crate) lease: usize,
    /// Connections of callers.
    pub(crate) callers: usize,
    /// Connections of workers.
    pub(crate) workers: usize,
}

impl Way {
    /// Batches wherever the API has them.
    pub(crate) fn batched(profile: &Profile) -> Self {
        Self {
            post: Post::Batch(profile.batch_jobs),
            lease: usize::try_from(limits::LEASE_JOBS_MAX).unwrap_or(usize::MAX),
            callers: profile.worker_lines,
            workers: profile.worker_lines,
        }
    }

    /// One job in every call, one result under every signature.
    pub(crate) fn single(profile: &Profile) -> Self {
        Self { post: Post::Single, lease: 1, callers: profile.callers, workers: profile.callers }
    }
}

/// Lets jobs live as fast as they can.
pub(crate) async fn measure(
    desk: &mut Desk,
    tokens: &[String],
    way: Way,
    jobs: Jobs,
    profile: &Profile,
) -> anyhow::Result<Lives> {
    let flow = Arc::new(Flow::default());
    let mut callers = JoinSet::new();
    for token in tokens.iter().cycle().take(way.callers) {
        let connection = Connection::open(desk.gateway, Some(token)).await?;
        let most = profile.outstanding_max;
        callers.spawn(call(connection, Arc::clone(&flow), way.post, jobs, most));
    }
    let mut workers = JoinSet::new();
    for worker in desk.workers(way.workers, profile.worker_lines).await? {
        workers.spawn(work(worker, Arc::clone(&flow), desk.filled.pool.clone(), way.lease));
    }
    let from = Instant::now() + profile.warm_up();
    sleep_until(from).await;
    let (before, begun) = (Used::now(desk)?, flow.done.load(Ordering::Relaxed));
    sleep_until(from + profile.measure()).await;
    let ended = flow.done.load(Ordering::Relaxed);
    let cores = Used::now(desk)?.since(&before, profile.measure());
    flow.no_more_posts.store(true, Ordering::Relaxed);
    while let Some(over) = callers.join_next().await {
        over??;
    }
    flow.all_posted.store(true, Ordering::Relaxed);
    while let Some(over) = workers.join_next().await {
        over??;
    }
    Ok(Lives { jobs_per_s: per_second(ended - begun, profile.measure()), cores })
}

async fn call(
    mut connection: Connection,
    flow: Arc<Flow>,
    post: Post,
    jobs: Jobs,
    most: u64,
) -> anyhow::Result<()> {
    while !flow.no_more_posts.load(Ordering::Relaxed) {
        if flow.outstanding() >= most {
            sleep(BACK_OFF).await;
            continue;
        }
        let first = flow.posted.fetch_add(post.size(), Ordering::Relaxed);
        post.send(&mut connection, &jobs, first).await?;
    }
    Ok(())
}

async fn work(
    mut worker: Worker,
    flow: Arc<Flow>,
    pool: PoolName,
    most: usize,
) -> anyhow::Result<()> {
    while !flow.all_posted.load(Ordering::Relaxed) || flow.outstanding() > 0 {
        let leases = worker.lease(&pool, most, WAIT_MS).await?;
        if leases.is_empty() {
            continue;
        }
        worker.finish(&leases).await?;
        flow.done.fetch_add(u64::try_from(leases.len())?, Ordering::Relaxed);
    }
    Ok(())
}
