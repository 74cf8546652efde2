//! What a requester can check alone: that a worker signed its result, and that its receipt is in a statement.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    jobs::{Evidence, Settlement},
    statements::{ReceiptLine, StatementDocument},
};
use crate::{
    felt::{Address, ChainId, Digest, Signature},
    hash::{
        attestation::Attestation,
        batch::{self, AttestationBatch},
        receipts::{self, SumNode},
        sign,
        snip12::TypedStruct,
        statement::Statement,
    },
    id::{JobId, StatementId},
    money::Fri,
    state::Level,
};

/// A worker's signed word about one job, with all that it takes to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobAttestation {
    /// The job that was run.
    pub job: JobId,
    /// How strongly it is verified; says nothing about whether the signature is good.
    pub level: Level,
    /// The chain that the signature is for.
    pub chain_id: ChainId,
    /// What was signed, and the signature.
    pub evidence: Evidence,
}

impl JobAttestation {
    /// The claim itself.
    pub fn attestation(&self) -> Attestation {
        let Evidence { epoch, model, input, output, contract, worker, .. } = self.evidence;
        Attestation { job: self.job.into(), epoch, model, input, output, contract, worker }
    }

    /// Whether `public_key` signed exactly this. Whose key that is, the chain says.
    pub fn is_signed(&self) -> bool {
        let Evidence { index, count, path, contract, worker, .. } = &self.evidence;
        let (Ok(place), Ok(size)) = (usize::try_from(*index), usize::try_from(*count)) else {
            return false;
        };
        let leaf = self.attestation().struct_hash();
        let Ok(root) = batch::root_of(leaf, place, size, path) else {
            return false;
        };
        let signed = AttestationBatch { root, count: *count, contract: *contract, worker: *worker };
        let message = signed.message_hash(self.chain_id, *worker);
        sign::verify(self.evidence.public_key, &message, &self.evidence.signature)
    }
}

/// A statement without its receipts, which are not all the asker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementHead {
    /// Its id.
    pub id: StatementId,
    /// The sponsor's account.
    pub sponsor: Address,
    /// The operator through which it settles.
    pub operator: Address,
    /// The worker's account.
    pub worker: Address,
    /// Place in the sequence of these three.
    pub seq: u64,
    /// How many receipts.
    pub count: u64,
    /// Their sum.
    pub amount_fri: Fri,
    /// Root of their Merkle-sum tree.
    pub root: Digest,
    /// The `JobManager` that settles it.
    pub contract: Address,
    /// The operator's signature, once it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_signature: Option<Signature>,
    /// The worker's countersignature, once it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl From<&StatementDocument> for StatementHead {
    fn from(document: &StatementDocument) -> Self {
        Self {
            id: document.id,
            sponsor: document.sponsor,
            operator: document.operator,
            worker: document.worker,
            seq: document.seq,
            count: document.count,
            amount_fri: document.amount_fri,
            root: document.root,
            contract: document.contract,
            operator_signature: document.operator_signature,
            signature: document.signature,
        }
    }
}

impl StatementHead {
    /// What both sides sign.
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

/// That a receipt is in a statement, and what it adds to its amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptProof {
    /// The statement.
    pub statement: StatementHead,
    /// Place among its receipts.
    pub index: u64,
    /// Siblings from the leaf upwards, each with the money below it.
    pub path: Vec<SumNode>,
}

/// The receipt of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobReceipt {
    /// What the worker has earned by which attestation.
    pub receipt: ReceiptLine,
    /// Where the money stands.
    pub settlement: Settlement,
    /// The chain that signatures under the statement are for.
    pub chain_id: ChainId,
    /// Its place in the statement, once that was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ReceiptProof>,
}

impl JobReceipt {
    /// Whether the path leads from this very receipt to the statement's root and amount. False without a statement.
    pub fn is_in_its_statement(&self) -> bool {
        let Some(ReceiptProof { statement, index, path }) = &self.proof else {
            return false;
        };
        let (Ok(place), Ok(size)) = (usize::try_from(*index), usize::try_from(statement.count))
        else {
            return false;
        };
        let root = SumNode { hash: statement.root, sum: statement.amount_fri };
        receipts::root_of(&(&self.receipt).into(), place, size, path) == Ok(root)
    }
}
