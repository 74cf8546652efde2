//! Statements: what a worker countersigns to be paid.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    felt::{Address, Digest, Signature, TxHash},
    id::{JobId, StatementId},
    money::Fri,
    state::StatementStatus,
};

/// One receipt inside a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptLine {
    /// The job.
    pub job: JobId,
    /// Struct hash of the accepted attestation.
    pub attestation: Digest,
    /// What it pays.
    pub amount_fri: Fri,
}

/// A statement with everything needed to check it before signing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementDocument {
    /// Its id.
    pub id: StatementId,
    /// Where it stands.
    pub status: StatementStatus,
    /// The sponsor's account.
    pub sponsor: Address,
    /// The worker's account.
    pub worker: Address,
    /// Place in the sequence of this pair.
    pub seq: u64,
    /// How many receipts.
    pub count: u64,
    /// Their sum.
    pub amount_fri: Fri,
    /// Root of their Merkle-sum tree.
    pub root: Digest,
    /// The `JobManager` that settles it.
    pub contract: Address,
    /// The receipts in tree order.
    pub receipts: Vec<ReceiptLine>,
    /// The transaction that settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<TxHash>,
}

/// Statements that wait for the caller's countersignature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementList {
    /// Oldest first, at most 10.
    pub data: Vec<StatementDocument>,
}

/// The worker's agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountersignRequest {
    /// Over the SNIP-12 message of the statement, by the worker's registered key.
    pub signature: Signature,
}
