//! How a worker takes jobs and keeps them.

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Base64, whole::whole};
use crate::{
    felt::ModelId,
    id::{JobId, LeaseId},
    limits,
    money::Fri,
    pool::PoolName,
    state::Drain,
    trace::Trace,
};

/// Asks for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// The pools this worker serves, best first. It may be given a job of any model of theirs.
    #[schema(min_items = 1, max_items = 16)]
    pub pools: Vec<PoolName>,
    /// At most this many jobs; ask only for what can start now.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 64)]
    pub max_jobs: u32,
    /// How long to wait for a first job.
    #[serde(deserialize_with = "whole")]
    #[schema(maximum = 30_000)]
    pub wait_ms: u64,
    /// Chosen by the worker. Asking again with the same one after a lost reply gives the same grant.
    pub lease_request_id: Uuid,
}

/// The fence: names one job in one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRef {
    /// The job.
    pub job: JobId,
    /// Grows with every lease of the job.
    #[serde(deserialize_with = "epoch")]
    #[schema(maximum = 4_294_967_295_u64)]
    pub epoch: u64,
    /// Unguessable, one per lease request.
    pub lease: LeaseId,
}

fn epoch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let epoch: u64 = whole(deserializer)?;
    if epoch <= limits::EPOCH_MAX {
        return Ok(epoch);
    }
    Err(de::Error::custom(format_args!("an epoch is at most {}, not {epoch}", limits::EPOCH_MAX)))
}

/// A granted job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// The fence to show at every later call.
    pub fence: LeaseRef,
    /// The model to run.
    pub model: ModelId,
    /// The canonical input.
    pub input: Base64,
    /// What the job pays.
    pub price_fri: Fri,
    /// The lease ends this long after the request was sent, unless a heartbeat extends it.
    pub ttl_ms: u64,
    /// The run must end this long after the grant, whatever the heartbeats say.
    pub run_within_ms: u64,
    /// What the requester's trace says of it; the run links to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// What a lease call gives; an empty list when nothing came in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseReply {
    /// The granted jobs.
    pub leases: Vec<Lease>,
    /// What the worker should do before it goes. One that drains is granted nothing.
    pub drain: Drain,
}

/// Says that the worker still runs these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// The leases held.
    #[schema(max_items = 256)]
    pub leases: Vec<LeaseRef>,
}

/// What became of one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// Extended by the lease time.
    Ok,
    /// Extended as well, but its requester wants the result no more: release it, or be paid if it is done already.
    Cancel,
    /// Someone else's, or over: stop.
    Lost,
}

/// The answer for one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatResult {
    /// The lease.
    pub lease: LeaseId,
    /// What became of it.
    pub state: LeaseState,
}

/// The answer to a heartbeat, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatReply {
    /// One per lease.
    pub results: Vec<HeartbeatResult>,
    /// The lease time granted to those that are `ok` or `cancel`.
    pub ttl_ms: u64,
    /// What the worker should do before it goes.
    pub drain: Drain,
}

/// Gives leases back unfinished, without a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The leases held.
    pub leases: Vec<LeaseRef>,
}

/// What became of one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseResult {
    /// The job.
    pub job: JobId,
    /// Whether it was given back by this call.
    pub released: bool,
}

/// The answer to a release, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseReply {
    /// One per lease.
    pub results: Vec<ReleaseResult>,
}

/// Says that a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailRequest {
    /// The lease held.
    pub fence: LeaseRef,
    /// What went wrong, at most 1,024 bytes; shown to the requester.
    #[schema(max_length = 1024)]
    pub detail: String,
    /// Whether another worker may do better.
    pub retryable: bool,
}

/// What becomes of the job after a failure was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailReply {
    /// `queued` when another worker will try, `canceled` when its requester wants it no more, else `failed`.
    pub status: crate::state::JobStatus,
}
