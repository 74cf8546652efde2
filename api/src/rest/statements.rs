//! Statements: what a worker countersigns to be paid.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    felt::{Address, Digest, Signature, TxHash},
    hash::{receipts::Receipt, statement::Statement},
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

impl From<&ReceiptLine> for Receipt {
    fn from(line: &ReceiptLine) -> Self {
        Self { job: line.job, attestation: line.attestation, amount: line.amount_fri }
    }
}

/// A statement with everything needed to check it before signing, and to settle it alone once both have signed.
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
    /// Place in the sequence of this sponsor, operator and worker.
    pub seq: u64,
    /// How many receipts.
    pub count: u64,
    /// Their sum.
    pub amount_fri: Fri,
    /// Root of their Merkle-sum tree.
    pub root: Digest,
    /// The `JobManager` that settles it.
    pub contract: Address,
    /// The operator through which it settles, and no other.
    pub operator: Address,
    /// Over the SNIP-12 message of the statement with the operator as signer, by the operator's registered key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_signature: Option<Signature>,
    /// The worker's countersignature, once it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// The receipts in tree order.
    pub receipts: Vec<ReceiptLine>,
    /// The transaction that settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<TxHash>,
}

impl StatementDocument {
    /// What is signed. Says nothing about whether the receipts agree.
    pub fn statement(&self) -> Statement {
        Statement {
            sponsor: self.sponsor,
            operator: self.operator,
            worker: self.worker,
            seq: self.seq,
            count: self.count,
            amount: self.amount_fri,
            receipts: self.root,
            contract: self.contract,
        }
    }
}

/// Which of its statements a worker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatementFilter {
    /// Those that are neither settled nor voided.
    Unsettled,
}

/// Some of a worker's statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementPage {
    /// In the order of their ids.
    pub data: Vec<StatementDocument>,
    /// Whether there are more behind them.
    pub has_more: bool,
    /// Where the next page begins, when there is one: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<StatementId>,
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
