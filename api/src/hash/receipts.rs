//! The Merkle-sum tree over a statement's receipts: every node carries the money below it.

use starknet_rust_core::types::Felt;
use starknet_rust_crypto::poseidon_hash_many;

use super::short_string;
use crate::{felt::Digest, id::JobId, limits::RECEIPTS_MAX, money::Fri};

const LEAF: &str = "CIRO_RECEIPT";
const NODE: &str = "CIRO_SUM";

/// One paid job inside a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The job.
    pub job: JobId,
    /// Struct hash of the attestation that was accepted for it.
    pub attestation: Digest,
    /// What the sponsor owes for it.
    pub amount: Fri,
}

/// A tree node: a hash and the sum of the amounts below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumNode {
    /// Commits to both children and both sums.
    pub hash: Digest,
    /// Money below.
    pub sum: Fri,
}

/// Receipts that make no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptsError {
    /// None, or more than the bound.
    #[error("a statement holds 1 to {RECEIPTS_MAX} receipts, not {0}")]
    Size(usize),
    /// The sum does not fit 128 bits.
    #[error("the receipts add up to 2^128 fri or more")]
    Overflow,
}

/// The root of the Merkle-sum tree over `receipts` in order.
pub fn root(receipts: &[Receipt]) -> Result<SumNode, ReceiptsError> {
    let count = receipts.len();
    if !(1..=RECEIPTS_MAX).contains(&count) {
        return Err(ReceiptsError::Size(count));
    }
    let empty = SumNode { hash: Digest(Felt::ZERO), sum: Fri::ZERO };
    let mut level: Vec<SumNode> = receipts.iter().map(leaf).collect();
    level.resize(count.next_power_of_two(), empty);
    while level.len() > 1 {
        level =
            level.chunks_exact(2).map(|pair| node(pair[0], pair[1])).collect::<Result<_, _>>()?;
    }
    Ok(level[0])
}

fn leaf(receipt: &Receipt) -> SumNode {
    let felts =
        [short_string(LEAF), receipt.job.to_felt(), receipt.attestation.0, receipt.amount.into()];
    SumNode { hash: Digest(poseidon_hash_many(&felts)), sum: receipt.amount }
}

fn node(left: SumNode, right: SumNode) -> Result<SumNode, ReceiptsError> {
    let sum = left.sum.checked_add(right.sum).ok_or(ReceiptsError::Overflow)?;
    let felts = [short_string(NODE), left.hash.0, left.sum.into(), right.hash.0, right.sum.into()];
    Ok(SumNode { hash: Digest(poseidon_hash_many(&felts)), sum })
}
