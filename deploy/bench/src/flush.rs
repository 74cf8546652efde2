//! A long queue: how much of Redis a waiting job takes, and how soon the queue is whole again when Redis forgets it.

use std::time::Duration;

use anyhow::{Context, ensure};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    accept::Post, connection::Connection, desk::Desk, jobs::Jobs, latency::round, profile::Profile,
};

/// Jobs of one batch while the queue is filled: as many as the API takes.
const BATCH: usize = 1_000;
/// Between two looks at the index.
const LOOK: Duration = Duration::from_millis(10);
/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_mins(3);
const WAIT_MS: u64 = 30_000;

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Flush {
    pub(crate) queued_jobs: usize,
    /// What Redis grew by, for each of them.
    pub(crate) redis_bytes_per_job: f64,
    /// What Redis says that the queue's keys take, for each of them.
    pub(crate) key_bytes_per_job: f64,
    /// From FLUSHALL until a waiting worker had a job.
    pub(crate) first_dispatch_s: f64,
    /// From FLUSHALL until every job was in the index again.
    pub(crate) all_indexed_s: f64,
}

/// Fills a queue and has Redis forget it.
pub(crate) async fn measure(
    desk: &Desk,
    tokens: &[String],
    jobs: Jobs,
    profile: &Profile,
) -> anyhow::Result<Flush> {
    let client = redis::Client::open(desk.stores.redis.url())?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    let index = Index { pool: format!("{{ciro:{}}}", desk.filled.pool) };
    let empty = used_memory(&mut redis).await?;
    fill(desk, tokens, jobs, profile.queued_jobs).await?;
    index.wait_for(&mut redis, profile.queued_jobs).await?;
    let full = used_memory(&mut redis).await?;
    let keys = index.bytes(&mut redis).await?;
    let each = |bytes: u64| -> anyhow::Result<f64> {
        let count = u32::try_from(profile.queued_jobs)?;
        Ok(round(f64::from(u32::try_from(bytes)?) / f64::from(count)))
    };

    let mut worker = desk.workers(1, 1).await?.pop().context("there is no worker")?;
    let pool = &desk.filled.pool;
    redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await?;
    let flushed = Instant::now();
    let dispatched = async {
        while worker.lease(pool, 1, WAIT_MS).await?.is_empty() {
            ensure!(flushed.elapsed() < PATIENCE, "no worker was given a job");
        }
        anyhow::Ok(flushed.elapsed())
    };
    let indexed = async {
        index.wait_for(&mut redis, profile.queued_jobs).await?;
        anyhow::Ok(flushed.elapsed())
    };
    let (dispatched, indexed) = tokio::try_join!(dispatched, indexed)?;
    Ok(Flush {
        queued_jobs: profile.queued_jobs,
        redis_bytes_per_job: each(full.saturating_sub(empty))?,
        key_bytes_per_job: each(keys)?,
        first_dispatch_s: round(dispatched.as_secs_f64()),
        all_indexed_s: round(indexed.as_secs_f64()),
    })
}

async fn fill(desk: &Desk, tokens: &[String], jobs: Jobs, count: usize) -> anyhow::Result<()> {
    let mut callers = JoinSet::new();
    for (place, token) in tokens.iter().enumerate() {
        let mut connection = Connection::open(desk.gateway, Some(token)).await?;
        let stride = tokens.len() * BATCH;
        callers.spawn(async move {
            for first in (place * BATCH..count).step_by(stride) {
                let post = Post::Batch(BATCH.min(count - first));
                post.send(&mut connection, &jobs, u64::try_from(first)?).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(over) = callers.join_next().await {
        over??;
    }
    Ok(())
}

/// The queue's keys in Redis.
struct Index {
    pool: String,
}

impl Index {
    /// Returns when so many jobs wait or are leased.
    async fn wait_for(&self, redis: &mut MultiplexedConnection, jobs: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let ready: usize = redis.zcard(format!("{}:ready", self.pool)).await?;
            let leased: usize = redis.zcard(format!("{}:lease", self.pool)).await?;
            if ready + leased >= jobs {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "{ready} of {jobs} jobs are in the index");
            sleep(LOOK).await;
        }
    }

    async fn bytes(&self, redis: &mut MultiplexedConnection) -> anyhow::Result<u64> {
        let keys: Vec<String> = redis.keys(format!("{}:*", self.pool)).await?;
        let mut sum = 0;
        for key in keys {
            let mut ask = redis::cmd("MEMORY");
            ask.arg("USAGE").arg(key).arg("SAMPLES").arg(0);
            sum += ask.query_async::<Option<u64>>(redis).await?.unwrap_or(0);
        }
        Ok(sum)
    }
}

async fn used_memory(redis: &mut MultiplexedConnection) -> anyhow::Result<u64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(redis).await?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.context("Redis does not say how much it uses")?.trim().parse()?)
}
