//! How many jobs the desk accepts in a second: callers that each wait for their 202 before they ask again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::ensure;
use ciro_api::rest::jobs::BatchReply;
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    connection::Connection,
    cpu::{Cores, Used},
    desk::Desk,
    jobs::Jobs,
    latency::{Percentiles, per_second},
    profile::Profile,
};

/// How jobs are posted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Post {
    /// `POST /v1/jobs`, each with an idempotency key.
    Single,
    /// `POST /v1/jobs/batch` with so many, each with an idempotency key.
    Batch(usize),
}

impl Post {
    /// Posts from `first` on; returns how many were accepted, which is all or an error.
    pub(crate) async fn send(
        self,
        connection: &mut Connection,
        jobs: &Jobs,
        first: u64,
    ) -> anyhow::Result<u64> {
        match self {
            Self::Single => {
                let key = jobs.key(first);
                connection.post("/v1/jobs", jobs.single(first), Some(&key)).await?;
                Ok(1)
            }
            Self::Batch(count) => {
                let body = jobs.batch(first, count);
                let reply = connection.post("/v1/jobs/batch", body, None).await?;
                let reply: BatchReply = serde_json::from_slice(&reply)?;
                let refused = reply.results.iter().find(|outcome| outcome.status != 202);
                ensure!(refused.is_none(), "a job of a batch was refused: {refused:?}");
                Ok(u64::try_from(count)?)
            }
        }
    }

    /// How many numbers one call uses up.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::Single => 1,
            Self::Batch(count) => u64::try_from(count).unwrap_or(u64::MAX),
        }
    }
}

/// What was accepted.
#[derive(Debug, Serialize)]
pub(crate) struct Accepts {
    pub(crate) jobs_per_s: f64,
    /// Of one call.
    pub(crate) call_ms: Percentiles,
    pub(crate) cores: Cores,
}

/// Posts as fast as `tokens` callers can, one call each at a time.
pub(crate) async fn measure(
    desk: &mut Desk,
    tokens: &[String],
    post: Post,
    jobs: Jobs,
    profile: &Profile,
) -> anyhow::Result<Accepts> {
    let next = Arc::new(AtomicU64::new(0));
    let from = Instant::now() + profile.warm_up();
    let until = from + profile.measure();
    let mut callers = JoinSet::new();
    for token in tokens {
        let mut connection = Connection::open(desk.gateway, Some(token)).await?;
        let next = Arc::clone(&next);
        callers.spawn(async move {
            let mut seen: Vec<(u64, Duration)> = Vec::new();
            loop {
                let asked = Instant::now();
                let first = next.fetch_add(post.size(), Ordering::Relaxed);
                let accepted = post.send(&mut connection, &jobs, first).await?;
                let told = Instant::now();
                if told >= until {
                    return anyhow::Ok(seen);
                }
                if told >= from {
                    seen.push((accepted, told - asked));
                }
            }
        });
    }
    sleep_until(from).await;
    let before = Used::now(desk)?;
    sleep_until(until).await;
    let cores = Used::now(desk)?.since(&before, profile.measure());
    let (mut jobs, mut calls) = (0, Vec::new());
    while let Some(seen) = callers.join_next().await {
        for (accepted, took) in seen?? {
            jobs += accepted;
            calls.push(took);
        }
    }
    let jobs_per_s = per_second(jobs, profile.measure());
    Ok(Accepts { jobs_per_s, call_ms: Percentiles::of(calls)?, cores })
}
