//! The lease queue's index in Redis: which job next, whose lease runs until when.
//!
//! Nothing here decides anything: `PostgreSQL` does, under `(epoch, lease id)`. Redis may be wiped at any moment.

use std::{sync::Arc, time::Duration};

use ciro_api::{JobId, LeaseId, ModelId, Priority, SponsorId, limits};
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, RedisError, aio::MultiplexedConnection,
};
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::observe;

const LIBRARY: &str = include_str!("queue/functions.lua");

/// Slower than any function here by far, and long enough for a busy machine: the client's own default
/// of 500 ms would report scripts as failed that did run.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Redis is away or answered with an error. Nothing is lost: reconciling repairs the index.
#[derive(Debug, thiserror::Error)]
#[error("the queue index in Redis cannot be used")]
pub struct QueueError(#[from] RedisError);

/// One pool's keys, in the order of `functions.lua`. All share a hash tag, so a cluster keeps them in one slot.
struct Keys([String; 7]);

impl Keys {
    fn of(model: ModelId) -> Self {
        let names = ["ready", "lease", "own", "later", "shape", "next", "clock"];
        Self(names.map(|name| format!("{{ciro:{model}}}:{name}")))
    }
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

/// The handle every use case shares. Connects lazily and again after a fault.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    connection: Arc<RwLock<Option<MultiplexedConnection>>>,
}

impl Queue {
    /// A queue at `redis_url`; no connection is made yet.
    pub fn new(redis_url: &str) -> Result<Self, QueueError> {
        Ok(Self { client: Client::open(redis_url)?, connection: Arc::default() })
    }

    /// The client, for subscriptions, which need a connection of their own.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.query::<String>(&redis::cmd("PING")).await.map(drop)
    }

    /// Whether the index was filled since Redis last lost its memory.
    pub async fn is_filled(&self) -> Result<bool, QueueError> {
        let filled: i64 = self.query(redis::cmd("EXISTS").arg("{ciro}:filled")).await?;
        Ok(filled == 1)
    }

    /// Marks the index as filled. The mark vanishes with everything else.
    pub async fn mark_filled(&self) -> Result<(), QueueError> {
        self.query::<String>(redis::cmd("SET").arg("{ciro}:filled").arg(1)).await.map(drop)
    }

    /// Tells every gateway that something happened.
    pub async fn publish(&self, channel: &str, message: &str) -> Result<(), QueueError> {
        self.query::<i64>(redis::cmd("PUBLISH").arg(channel).arg(message)).await.map(drop)
    }

    /// Makes jobs leasable, each at its sponsor's fair place; those already leased or placed stay so.
    pub async fn enqueue(&self, model: ModelId, entries: &[Entry]) -> Result<u64, QueueError> {
        let mut call = function("ciro_enqueue_v2", &Keys::of(model), None);
        for Entry { job, sponsor, priority, delay_ms } in entries {
            call.arg(job.0.as_bytes()).arg(sponsor.0.as_bytes());
            call.arg(priority.head_start_jobs()).arg(*delay_ms);
        }
        self.query(&call).await
    }

    /// Pops up to `most` jobs under `lease`; the same lease asks again and gets the same.
    pub async fn take(
        &self,
        model: ModelId,
        lease: LeaseId,
        most: u32,
    ) -> Result<Vec<JobId>, QueueError> {
        let grant = grant_key(model, lease);
        let mut call = function("ciro_take_v2", &Keys::of(model), Some(&grant));
        call.arg(lease.0.as_bytes()).arg(most).arg(limits::GRANT_MS).arg(2 * limits::WAIT_MS_MAX);
        let jobs: Vec<Uuid16> = self.query(&call).await?;
        Ok(jobs.into_iter().map(|Uuid16(id)| JobId(id)).collect())
    }

    /// Forgets what `lease` was given, so that asking again with it pops others.
    pub async fn forget_grant(&self, model: ModelId, lease: LeaseId) -> Result<(), QueueError> {
        self.query::<i64>(redis::cmd("DEL").arg(grant_key(model, lease))).await.map(drop)
    }

    /// Extends leases; tells for each whether it was still theirs.
    pub async fn extend(
        &self,
        model: ModelId,
        leases: &[(JobId, LeaseId)],
    ) -> Result<Vec<bool>, QueueError> {
        self.query(&with_leases("ciro_extend_v2", model, limits::LEASE_TTL_MS, leases)).await
    }

    /// Takes over leases that `PostgreSQL` knows and Redis forgot, for as long as they have left.
    pub async fn adopt(
        &self,
        model: ModelId,
        leases: &[(JobId, LeaseId)],
        left_ms: u64,
    ) -> Result<u64, QueueError> {
        self.query(&with_leases("ciro_adopt_v2", model, left_ms, leases)).await
    }

    /// Forgets jobs.
    pub async fn drop_jobs(&self, model: ModelId, jobs: &[JobId]) -> Result<u64, QueueError> {
        let mut call = function("ciro_drop_v2", &Keys::of(model), None);
        for job in jobs {
            call.arg(job.0.as_bytes());
        }
        self.query(&call).await
    }

    /// Puts a job back to the front, unless another lease has it by now.
    pub async fn requeue(
        &self,
        model: ModelId,
        job: JobId,
        seen: Option<LeaseId>,
    ) -> Result<u64, QueueError> {
        let mut call = function("ciro_requeue_v2", &Keys::of(model), None);
        let seen = seen.map_or_else(Vec::new, |lease| lease.0.as_bytes().to_vec());
        call.arg(job.0.as_bytes()).arg(seen);
        self.query(&call).await
    }

    /// Claims up to 100 leases that ran out, for ten seconds.
    pub async fn sweep(&self, model: ModelId) -> Result<Vec<Expired>, QueueError> {
        let mut call = function("ciro_sweep_v2", &Keys::of(model), None);
        call.arg(100).arg(10_000);
        let flat: Vec<Vec<u8>> = self.query(&call).await?;
        let expired = flat.chunks_exact(2).filter_map(|pair| {
            let job = JobId(Uuid::from_slice(&pair[0]).ok()?);
            Some(Expired { job, lease: Uuid::from_slice(&pair[1]).ok().map(LeaseId) })
        });
        Ok(expired.collect())
    }

    async fn query<T: FromRedisValue>(&self, call: &redis::Cmd) -> Result<T, QueueError> {
        self.try_query(call).await.inspect_err(|_| observe::redis_failed())
    }

    async fn try_query<T: FromRedisValue>(&self, call: &redis::Cmd) -> Result<T, QueueError> {
        let mut connection = self.connection().await?;
        let first = call.query_async(&mut connection).await;
        let Err(error) = first else { return Ok(first?) };
        if is_unknown_function(&error) {
            // A new or wiped server: load the library, then ask again.
            load_library(&mut connection).await?;
            return Ok(call.query_async(&mut connection).await?);
        }
        if error.is_unrecoverable_error() {
            self.connection.write().await.take();
        }
        Err(error.into())
    }

    async fn connection(&self) -> Result<MultiplexedConnection, QueueError> {
        if let Some(open) = self.connection.read().await.as_ref() {
            return Ok(open.clone());
        }
        let mut slot = self.connection.write().await;
        if let Some(open) = slot.as_ref() {
            return Ok(open.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(RESPONSE_TIMEOUT));
        let mut open = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        load_library(&mut open).await?;
        *slot = Some(open.clone());
        Ok(open)
    }
}

fn grant_key(model: ModelId, lease: LeaseId) -> String {
    format!("{{ciro:{model}}}:grant:{}", lease.0.simple())
}

fn function(name: &str, keys: &Keys, one_more: Option<&str>) -> redis::Cmd {
    let mut call = redis::cmd("FCALL");
    call.arg(name).arg(keys.0.len() + usize::from(one_more.is_some()));
    call.arg(&keys.0).arg(one_more);
    call
}

fn with_leases(name: &str, model: ModelId, ttl_ms: u64, leases: &[(JobId, LeaseId)]) -> redis::Cmd {
    let mut call = function(name, &Keys::of(model), None);
    call.arg(ttl_ms);
    for (job, lease) in leases {
        call.arg(job.0.as_bytes()).arg(lease.0.as_bytes());
    }
    call
}

fn is_unknown_function(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("Function not found"))
}

async fn load_library(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let mut load = redis::cmd("FUNCTION");
    load.arg("LOAD").arg("REPLACE").arg(LIBRARY);
    load.query_async::<String>(connection).await.map(drop)
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
