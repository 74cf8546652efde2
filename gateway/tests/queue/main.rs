//! The lease queue's index on a real Redis: what it promises about order, and what it survives.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands, its helpers too")]

mod cap;
mod fair;
mod model;
mod order;

use std::sync::LazyLock;

use ciro_api::{CostStep, JobId, LeaseId, PoolName, Priority, SponsorId};
use ciro_gateway::queue::{Entry, Queue};
use ciro_testbed::Redis;
use uuid::Uuid;

pub(crate) static POOL: LazyLock<PoolName> = LazyLock::new(|| "cpu".parse().unwrap());

/// An index of its own. Keep both: the server ends with the first.
pub(crate) fn fresh() -> (Redis, Queue) {
    let redis = Redis::start();
    let queue = Queue::new(&redis.url()).unwrap();
    (redis, queue)
}

pub(crate) fn job(number: u128) -> JobId {
    JobId(Uuid::from_u128(number))
}

pub(crate) fn entry(number: u128, sponsor: u128, priority: Priority) -> Entry {
    let sponsor = SponsorId(Uuid::from_u128(sponsor));
    Entry { job: job(number), sponsor, priority, cost: CostStep::of_run(1), delay_ms: 0 }
}

pub(crate) async fn enqueue(queue: &Queue, entries: &[Entry]) {
    for chunk in entries.chunks(256) {
        queue.enqueue(&POOL, chunk).await.unwrap();
    }
}

/// The next jobs, each under a lease of its own so that no grant is repeated.
pub(crate) async fn take(queue: &Queue, most: u32) -> Vec<JobId> {
    queue.take(&POOL, LeaseId(Uuid::new_v4()), most).await.unwrap()
}
