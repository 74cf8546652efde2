//! Jobs as the requester sees them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{Base64, present::present, webhooks::Webhook, whole::whole_present};
use crate::{
    felt::{Address, Commitment, Digest, ModelId, PublicKey, Signature, TxHash},
    id::{DeviceId, JobId, StatementId},
    money::Fri,
    problem::Problem,
    state::{JobStatus, Level, Priority, Scheme, SettlementStatus},
};

/// The input of a job: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum JobInput {
    /// Text; its UTF-8 bytes are the canonical input.
    Text(String),
    /// Raw bytes; they are the canonical input.
    Data(Base64),
}

impl JobInput {
    /// The canonical bytes: what the model runs on and the attestation commits to.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Data(data) => data.0,
        }
    }
}

/// Asks for one run of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJob {
    /// The model's name (`ciro/sha256@1`) or id (`0x…`).
    pub model: String,
    /// What to run it on.
    pub input: JobInput,
    /// Give up when no worker has begun by then. Default one hour, at most one day.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400_000)]
    pub start_within_ms: Option<u64>,
    /// Give up when a run takes longer. Default one minute, at most ten.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 600_000)]
    pub run_within_ms: Option<u64>,
    /// Keep it back for so long; `start_within_ms` counts from then. Default none, at most a week.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604_800_000)]
    pub delay_ms: Option<u64>,
    /// How soon it should run beside others. Default `normal`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Whom to tell when it ends.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// One job of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    /// What the header `Idempotency-Key` is for a single job, in the same space: 1 to 255 printable ASCII characters.
    /// A key and a job, byte for byte, mean the same job whether they come alone or in a batch.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[!-~]{1,255}$")]
    pub idempotency_key: Option<String>,
    /// The job, as `POST /v1/jobs` takes it.
    pub job: CreateJob,
}

/// Asks for many runs at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBatch {
    /// 1 to 1,000 jobs. Each is accepted or refused by itself.
    #[schema(min_items = 1, max_items = 1000)]
    pub items: Vec<BatchItem>,
}

/// What became of one job of a batch: `job` or `problem`, and the status that it would have had alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchOutcome {
    /// Place in the request, from 0.
    pub index: usize,
    /// 202 when accepted, 200 when it was accepted earlier and has ended, else the problem's.
    pub status: u16,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobSummary>,
    /// Whether it was accepted earlier under its idempotency key; only beside `job`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
    /// Why there is no job. Nothing of it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// One outcome per item, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchReply {
    /// The outcomes.
    pub results: Vec<BatchOutcome>,
}

/// How a job that ended without a result is run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayJob {
    /// How long the new job may wait for a worker, in milliseconds. Default one hour.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400_000)]
    pub start_within_ms: Option<u64>,
    /// How long a run may take, in milliseconds. Default one minute.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 600_000)]
    pub run_within_ms: Option<u64>,
    /// How long no worker may have it, in milliseconds.
    #[serde(default, deserialize_with = "whole_present", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604_800_000)]
    pub delay_ms: Option<u64>,
    /// How soon it should run beside others.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Whom to tell when the new job ends.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// What a model made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobOutput {
    /// Media type of the bytes.
    pub media_type: String,
    /// The canonical bytes that the attestation commits to.
    pub data: Base64,
    /// The same bytes read as JSON, when that is their media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub json: Option<serde_json::Value>,
    /// The same bytes in lower-case hex, when they are binary and at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

/// The requester's evidence: everything a contract needs to hold the worker to its word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The lease epoch of the run.
    pub epoch: u64,
    /// The model that ran.
    pub model: ModelId,
    /// How bytes were committed.
    pub scheme: Scheme,
    /// Commitment to the input.
    pub input: Commitment,
    /// Commitment to the output.
    pub output: Commitment,
    /// The `JobManager` that may judge it.
    pub contract: Address,
    /// The worker's account.
    pub worker: Address,
    /// Place in the signed batch.
    pub index: u64,
    /// Size of the signed batch.
    pub count: u64,
    /// Siblings from the leaf upwards.
    pub path: Vec<Digest>,
    /// The worker's signature over the batch.
    pub signature: Signature,
    /// The key it was checked against.
    pub public_key: PublicKey,
}

/// Why a job ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobFailure {
    /// A short reason: `model_error`, `run_deadline`, `worker_crashes`, `start_deadline`, `canceled`.
    pub reason: String,
    /// What the worker said, if it said anything.
    pub detail: String,
}

/// Where the money of the job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settlement {
    /// Its state.
    pub status: SettlementStatus,
    /// What the sponsor pays.
    pub amount_fri: Fri,
    /// The statement it settles in, once closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementId>,
    /// The transaction that settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<TxHash>,
}

/// How long things took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// From acceptance to the lease that ended it.
    pub queue_ms: u64,
    /// From that lease to the accepted result.
    pub run_ms: u64,
    /// From acceptance to the end.
    pub total_ms: u64,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// The model's name.
    pub model: String,
    /// The model's id.
    pub model_id: ModelId,
    /// How strongly its result is verified.
    pub level: Level,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The job that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<JobId>,
    /// Its requester wants it no more, and its worker has been told or will be. Until the worker gives it back, a result
    /// counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel_requested: bool,
    /// The result, once succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<JobOutput>,
    /// The signed evidence of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<JobFailure>,
    /// The money, once succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// Durations, once ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

/// A job as lists show it: where it stands, without what went in or came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Its id.
    pub id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// The model's name.
    pub model: String,
    /// The model's id.
    pub model_id: ModelId,
    /// Who asked for it.
    pub device: DeviceId,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ended, once it did.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<OffsetDateTime>,
    /// Why it ended without a result: a word as in `JobFailure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Some of the caller's jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobPage {
    /// Newest first.
    pub data: Vec<JobSummary>,
    /// Whether there may be more behind them.
    pub has_more: bool,
    /// Where the next page begins, when there is one: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<JobId>,
}
