//! A statement as it lies on disk, signed by both sides: all that is needed to settle it, and nothing secret.

use ciro_api::{
    Address, ChainId, Fri, PublicKey, Signature, StatementId,
    felt::Digest,
    hash::{sign::verify, snip12::TypedStruct, statement::Statement},
    rest::statements::StatementDocument,
};
use serde::{Deserialize, Serialize};

use crate::{operator::Operator, sign::Signer};

/// A statement with the signatures of its worker and of its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptStatement {
    /// What the gateway calls it.
    pub id: StatementId,
    /// The chain it settles on.
    pub chain_id: ChainId,
    /// The `JobManager` that settles it.
    pub contract: Address,
    /// Who pays.
    pub sponsor: Address,
    /// Who is paid.
    pub worker: Address,
    /// Place in the sequence of this sponsor, operator and worker.
    pub seq: u64,
    /// How many receipts.
    pub count: u64,
    /// Their sum.
    pub amount_fri: Fri,
    /// Root of their Merkle-sum tree.
    pub root: Digest,
    /// The worker's signature.
    pub signature: Signature,
    /// The operator through which it settles, and no other.
    pub operator: Address,
    /// The key that the operator had registered when it signed.
    pub operator_key: PublicKey,
    /// The operator's signature.
    pub operator_signature: Signature,
}

impl KeptStatement {
    /// What was signed.
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

    /// Whether the operator's signature is by the key that stands here: says nothing about who has registered it.
    pub fn is_signed_by_operator(&self) -> bool {
        let message = self.statement().message_hash(self.chain_id, self.operator);
        verify(self.operator_key, &message, &self.operator_signature)
    }

    /// Whether the worker's signature is by `key`.
    pub fn is_signed_by_worker(&self, key: PublicKey) -> bool {
        verify(key, &self.statement().message_hash(self.chain_id, self.worker), &self.signature)
    }

    /// What to keep of a statement under which both signatures stand; nothing when one is missing or wrong, or the
    /// statement is another worker's or another operator's.
    pub(crate) fn of(
        document: &StatementDocument,
        signature: Signature,
        signer: &Signer,
        operator: &Operator,
    ) -> Option<Self> {
        let ours = signer.identity();
        let kept = Self {
            id: document.id,
            chain_id: ours.chain_id,
            contract: ours.contract,
            sponsor: document.sponsor,
            worker: ours.worker,
            seq: document.seq,
            count: document.count,
            amount_fri: document.amount_fri,
            root: document.root,
            signature,
            operator: operator.address,
            operator_key: operator.key,
            operator_signature: document.operator_signature?,
        };
        let is_ours = kept.statement() == document.statement();
        let is_signed =
            kept.is_signed_by_operator() && kept.is_signed_by_worker(signer.public_key());
        (is_ours && is_signed).then_some(kept)
    }
}
