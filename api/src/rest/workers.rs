//! How a worker proves who it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::felt::{Address, ChainId, Digest, Signature};

/// Asks for a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The worker's account.
    pub worker: Address,
}

/// Something to sign, once, soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Challenge {
    /// Single use.
    pub challenge: Digest,
    /// The chain of this network.
    pub chain_id: ChainId,
    /// The `JobManager` of this network.
    pub contract: Address,
    /// How long it may be answered.
    pub expires_in_s: u64,
}

/// Answers a challenge; the reply is a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// The worker's account.
    pub worker: Address,
    /// The challenge as given.
    pub challenge: Digest,
    /// Over the SNIP-12 message of `WorkerLogin`, by the worker's registered key.
    pub signature: Signature,
}
