//! The lease queue's index in Redis: which job next, whose lease runs until when.
//!
//! Nothing here decides anything: `PostgreSQL` does, under `(epoch, lease id)`. Redis may be wiped at any moment.

mod breaker;

use std::{sync::Arc, time::Duration};

use ciro_api::{CostStep, JobId, LeaseId, PoolName, Priority, SponsorId, limits};
use redis::{Client, FromRedisValue, RedisError};
use uuid::Uuid;

use self::breaker::Breaker;
use crate::{observe, redis_link::Link};

/// Everything that runs inside Redis over this connection.
const LIBRARIES: &[&str] = &[
    include_str!("queue/functions.lua"),
    include_str!("events/functions.lua"),
    include_str!("pools/functions.lua"),
];

/// Slower than any function here by far, and long enough for a busy machine.
const WAIT: Duration = Duration::from_secs(5);

/// The index cannot be used. Nothing is lost: reconciling repairs it.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Redis is away or answered with an error.
    #[error("the queue index in Redis cannot be used")]
    Redis(#[from] RedisError),
    /// It was away a moment ago, so it was not asked.
    #[error("the queue index in Redis was away a moment ago; it is asked again soon")]
    Away,
}

impl QueueError {
    /// Logs it: what Redis said, as a warning; that it was not asked again so soon after, only to who looks closely.
    pub(crate) fn report(&self, doing: &'static str) {
        match self {
            Self::Redis(error) => tracing::warn!(doing, %error, "the queue index cannot be used"),
            Self::Away => tracing::debug!(doing, "the queue index was away a moment ago"),
        }
    }
}

/// One pool's keys, in the order of `functions.lua`. All share a hash tag, so a cluster keeps them in one slot.
struct Keys([String; 11]);

impl Keys {
    fn of(pool: &PoolName) -> Self {
        let names = [
            "ready", "lease", "own", "later", "shape", "next", "clock", "park", "caps", "busy",
            "who",
        ];
        Self(names.map(|name| format!("{{ciro:{pool}}}:{name}")))
    }
}

/// The keys that say how full a pool is: what is ready, leased, and kept back.
pub(crate) fn pool_keys(pool: &PoolName) -> [String; 3] {
    let Keys([ready, lease, _, later, ..]) = Keys::of(pool);
    [ready, lease, later]
}

/// A job to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The job.
    pub job: JobId,
    /// Whose share of the workers it takes.
    pub sponsor: SponsorId,
    /// How soon.
    pub priority: Priority,
    /// How much of the share a run takes.
    pub cost: CostStep,
    /// From when on, counted from now.
    pub delay_ms: u64,
}

/// A lease that ran out, as Redis remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The job.
    pub job: JobId,
    /// Who held it, when the entry is whole.
    pub lease: Option<LeaseId>,
}

/// A lease that `PostgreSQL` knows and Redis may have forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The job.
    pub job: JobId,
    /// Who holds it.
    pub lease: LeaseId,
    /// Whose job it is.
    pub sponsor: SponsorId,
    /// How long the lease has left.
    pub left_ms: u64,
}

/// The handle every use case shares. Connects lazily and again after a fault.
#[derive(Clone)]
pub struct Queue {
    link: Arc<Link>,
    breaker: Arc<Breaker>,
}

impl Queue {
    /// A queue at `redis_url`; no connection is made yet.
    pub fn new(redis_url: &str) -> Result<Self, QueueError> {
        let link = Link::new(redis_url, WAIT, LIBRARIES)?;
        Ok(Self { link: Arc::new(link), breaker: Arc::default() })
    }

    /// The client, for subscriptions, which need a connection of their own.
    pub fn client(&self) -> &Client {
        self.link.client()
    }

    /// Whether Redis answered when it was last asked.
    pub fn is_up(&self) -> bool {
        self.breaker.is_closed()
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.query::<String>(&redis::cmd("PING")).await.map(drop)
    }

    /// Whether the index was filled since Redis last lost its memory.
    pub async fn is_filled(&self) -> Result<bool, QueueError> {
        let filled: i64 = self.query(redis::cmd("EXISTS").arg("{ciro}:filled:v4")).await?;
        Ok(filled == 1)
    }

    /// Marks the index as filled. The mark vanishes with everything else.
    pub async fn mark_filled(&self) -> Result<(), QueueError> {
        self.query::<String>(redis::cmd("SET").arg("{ciro}:filled:v4").arg(1)).await.map(drop)
    }

    /// Tells every gateway that something happened.
    pub async fn publish(&self, channel: &str, message: &str) -> Result<(), QueueError> {
        self.query::<i64>(redis::cmd("PUBLISH").arg(channel).arg(message)).await.map(drop)
    }

    /// Makes jobs leasable, each at its sponsor's fair place; those already leased or placed stay so.
    pub async fn enqueue(&self, pool: &PoolName, entries: &[Entry]) -> Result<u64, QueueError> {
        let mut call = function("ciro_enqueue_v4", &Keys::of(pool), None);
        for Entry { job, sponsor, priority, cost, delay_ms } in entries {
            call.arg(job.0.as_bytes()).arg(sponsor.0.as_bytes());
            call.arg(priority.head_start_jobs()).arg(cost.get()).arg(*delay_ms);
        }
        self.query(&call).await
    }

    /// How many jobs could be leased now.
    pub async fn waiting(&self, pool: &PoolName) -> Result<u64, QueueError> {
        self.query(&function("ciro_waiting_v4", &Keys::of(pool), None)).await
    }

    /// Pops up to `most` jobs under `lease`; the same lease asks again and gets the same.
    pub async fn take(
        &self,
        pool: &PoolName,
        lease: LeaseId,
        most: u32,
    ) -> Result<Vec<JobId>, QueueError> {
        let grant = grant_key(pool, lease);
        let mut call = function("ciro_take_v4", &Keys::of(pool), Some(&grant));
        call.arg(lease.0.as_bytes()).arg(most).arg(limits::GRANT_MS).arg(2 * limits::WAIT_MS_MAX);
        let jobs: Vec<Uuid16> = self.query(&call).await?;
        Ok(jobs.into_iter().map(|Uuid16(id)| JobId(id)).collect())
    }

    /// Forgets what `lease` was given, so that asking again with it pops others.
    pub async fn forget_grant(&self, pool: &PoolName, lease: LeaseId) -> Result<(), QueueError> {
        self.query::<i64>(redis::cmd("DEL").arg(grant_key(pool, lease))).await.map(drop)
    }

    /// Extends leases; tells for each whether it was still theirs.
    pub async fn extend(
        &self,
        pool: &PoolName,
        leases: &[(JobId, LeaseId)],
    ) -> Result<Vec<bool>, QueueError> {
        self.query(&with_leases("ciro_extend_v4", pool, limits::LEASE_TTL_MS, leases)).await
    }

    /// Takes over leases that Redis forgot; tells how many those were.
    pub async fn adopt(&self, pool: &PoolName, leases: &[Known]) -> Result<u64, QueueError> {
        let mut call = function("ciro_adopt_v4", &Keys::of(pool), None);
        for Known { job, lease, sponsor, left_ms } in leases {
            call.arg(job.0.as_bytes()).arg(lease.0.as_bytes());
            call.arg(sponsor.0.as_bytes()).arg(*left_ms);
        }
        self.query(&call).await
    }

    /// Sets how many jobs of which sponsors may be in reach of the workers at once. All others have no cap.
    pub async fn set_caps(
        &self,
        pool: &PoolName,
        caps: &[(SponsorId, u32)],
    ) -> Result<u64, QueueError> {
        let mut call = function("ciro_caps_v4", &Keys::of(pool), None);
        for (sponsor, cap) in caps {
            call.arg(sponsor.0.as_bytes()).arg(*cap);
        }
        self.query(&call).await
    }

    /// Forgets jobs.
    pub async fn drop_jobs(&self, pool: &PoolName, jobs: &[JobId]) -> Result<u64, QueueError> {
        let mut call = function("ciro_drop_v4", &Keys::of(pool), None);
        for job in jobs {
            call.arg(job.0.as_bytes());
        }
        self.query(&call).await
    }

    /// Puts a job back to the front, unless another lease has it by now.
    pub async fn requeue(
        &self,
        pool: &PoolName,
        job: JobId,
        seen: Option<LeaseId>,
    ) -> Result<u64, QueueError> {
        let mut call = function("ciro_requeue_v4", &Keys::of(pool), None);
        let seen = seen.map_or_else(Vec::new, |lease| lease.0.as_bytes().to_vec());
        call.arg(job.0.as_bytes()).arg(seen);
        self.query(&call).await
    }

    /// Claims up to 100 leases that ran out, for ten seconds.
    pub async fn sweep(&self, pool: &PoolName) -> Result<Vec<Expired>, QueueError> {
        let mut call = function("ciro_sweep_v4", &Keys::of(pool), None);
        call.arg(100).arg(10_000);
        let flat: Vec<Vec<u8>> = self.query(&call).await?;
        let expired = flat.chunks_exact(2).filter_map(|pair| {
            let job = JobId(Uuid::from_slice(&pair[0]).ok()?);
            Some(Expired { job, lease: Uuid::from_slice(&pair[1]).ok().map(LeaseId) })
        });
        Ok(expired.collect())
    }

    /// Asks Redis, unless it was away a moment ago.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        call: &redis::Cmd,
    ) -> Result<T, QueueError> {
        let leave = self.breaker.enter().ok_or(QueueError::Away)?;
        match self.link.call(call).await {
            Ok(answer) => {
                leave.answered();
                Ok(answer)
            }
            Err(error) => {
                observe::redis_failed();
                // An answer that is an error is an answer.
                if error.code().is_some() {
                    leave.answered();
                } else {
                    leave.failed();
                }
                Err(error.into())
            }
        }
    }
}

fn grant_key(pool: &PoolName, lease: LeaseId) -> String {
    format!("{{ciro:{pool}}}:grant:{}", lease.0.simple())
}

fn function(name: &str, keys: &Keys, one_more: Option<&str>) -> redis::Cmd {
    let mut call = redis::cmd("FCALL");
    call.arg(name).arg(keys.0.len() + usize::from(one_more.is_some()));
    call.arg(&keys.0).arg(one_more);
    call
}

fn with_leases(
    name: &str,
    pool: &PoolName,
    ttl_ms: u64,
    leases: &[(JobId, LeaseId)],
) -> redis::Cmd {
    let mut call = function(name, &Keys::of(pool), None);
    call.arg(ttl_ms);
    for (job, lease) in leases {
        call.arg(job.0.as_bytes()).arg(lease.0.as_bytes());
    }
    call
}

/// Sixteen raw bytes read as a UUID.
struct Uuid16(Uuid);

impl FromRedisValue for Uuid16 {
    fn from_redis_value(value: redis::Value) -> Result<Self, redis::ParsingError> {
        let bytes = Vec::<u8>::from_redis_value(value)?;
        let id = Uuid::from_slice(&bytes).map_err(|_| "expected 16 bytes")?;
        Ok(Self(id))
    }
}
