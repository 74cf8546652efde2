//! How a worker hands in what it made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Base64, leases::LeaseRef};
use crate::{
    felt::{Commitment, ModelId, Signature},
    id::JobId,
    problem::Problem,
};

/// One result. Its attestation is rebuilt from these fields, so nothing of it travels twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultItem {
    /// The lease held.
    pub fence: LeaseRef,
    /// The model that ran.
    pub model: ModelId,
    /// Commitment to the input it ran on.
    pub input: Commitment,
    /// The canonical output bytes.
    pub output: Base64,
}

/// A batch of results under one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitResults {
    /// The results in the order of the signed tree's leaves.
    #[schema(min_items = 1, max_items = 256)]
    pub results: Vec<ResultItem>,
    /// Over the `AttestationBatch` of exactly these.
    pub signature: Signature,
}

/// What became of one result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResultOutcome {
    /// The job.
    pub job: JobId,
    /// Whether the job now has this result, by this call or an earlier one.
    pub accepted: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// One outcome per result, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SubmitReply {
    /// The outcomes.
    pub results: Vec<ResultOutcome>,
}
