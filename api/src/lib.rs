//! The words every room of ciro-network says to every other.
//!
//! Ids, money, states, limits, hashes and signatures, REST shapes and the closed list of error codes.
//! This crate does no I/O, reads no clock and holds no key longer than one call.

pub mod felt;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod hash;
pub mod id;
pub mod limits;
pub mod manifest;
pub mod money;
pub mod pool;
pub mod problem;
pub mod rest;
pub mod serial;
pub mod state;
pub mod trace;

pub use felt::{
    Address, ChainId, Commitment, Felt, ModelId, PublicKey, Signature, TrackingId, TxHash,
};
pub use id::{
    AttestedJob, ClaimTokenId, DeviceId, EventId, JobId, LeaseId, OnchainJobId, OperationId,
    QuestionId, SponsorId, SponsorKeyId, StatementId, WebhookSecretId,
};
pub use manifest::Manifest;
pub use money::Fri;
pub use pool::{CostStep, PoolName};
pub use problem::{ErrorCode, Problem};
pub use serial::Serial;
pub use state::{
    Drain, EventKind, JobStatus, Level, Priority, Scheme, SettlementStatus, SponsorScope,
    StatementStatus,
};
pub use trace::{SpanRef, Trace};
