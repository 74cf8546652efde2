//! The Merkle-sum tree over a statement's receipts: every node carries the money below it.

use serde::{Deserialize, Serialize};
use starknet_rust_core::types::Felt;
use starknet_rust_crypto::poseidon_hash_many;
use utoipa::ToSchema;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SumNode {
    /// Commits to both children and both sums.
    pub hash: Digest,
    /// Money below.
    #[serde(rename = "sum_fri")]
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
    /// A place outside the statement.
    #[error("there is no receipt {index} among {count}")]
    Index {
        /// The place.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Siblings missing or too many.
    #[error("a path among {count} receipts has {expected} nodes, not {given}")]
    PathLength {
        /// How many receipts there are.
        count: usize,
        /// The tree's depth.
        expected: usize,
        /// What was given.
        given: usize,
    },
}

/// The root of the Merkle-sum tree over `receipts` in order.
pub fn root(receipts: &[Receipt]) -> Result<SumNode, ReceiptsError> {
    let levels = levels(receipts)?;
    Ok(levels[levels.len() - 1][0])
}

/// The siblings of receipt `index`, from the leaf upwards: with them, [`root_of`] needs no other receipt.
pub fn path(receipts: &[Receipt], index: usize) -> Result<Vec<SumNode>, ReceiptsError> {
    let levels = levels(receipts)?;
    check_index(index, receipts.len())?;
    let below_root = &levels[..levels.len() - 1];
    Ok(below_root.iter().enumerate().map(|(height, level)| level[(index >> height) ^ 1]).collect())
}

/// The root that a receipt and its path lead to.
pub fn root_of(
    receipt: &Receipt,
    index: usize,
    count: usize,
    path: &[SumNode],
) -> Result<SumNode, ReceiptsError> {
    check_size(count)?;
    check_index(index, count)?;
    let expected = usize::try_from(count.next_power_of_two().trailing_zeros()).unwrap_or(0);
    if path.len() != expected {
        return Err(ReceiptsError::PathLength { count, expected, given: path.len() });
    }
    path.iter().enumerate().try_fold(leaf(receipt), |below, (height, sibling)| {
        if (index >> height) & 1 == 1 { node(*sibling, below) } else { node(below, *sibling) }
    })
}

/// Level 0 holds the leaves, padded to a power of two with nothing; the last level holds the root.
fn levels(receipts: &[Receipt]) -> Result<Vec<Vec<SumNode>>, ReceiptsError> {
    check_size(receipts.len())?;
    let empty = SumNode { hash: Digest(Felt::ZERO), sum: Fri::ZERO };
    let mut leaves: Vec<SumNode> = receipts.iter().map(leaf).collect();
    leaves.resize(receipts.len().next_power_of_two(), empty);
    let mut levels = vec![leaves];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let next =
            level.chunks_exact(2).map(|pair| node(pair[0], pair[1])).collect::<Result<_, _>>()?;
        levels.push(next);
    }
    Ok(levels)
}

fn check_size(count: usize) -> Result<(), ReceiptsError> {
    if (1..=RECEIPTS_MAX).contains(&count) { Ok(()) } else { Err(ReceiptsError::Size(count)) }
}

fn check_index(index: usize, count: usize) -> Result<(), ReceiptsError> {
    if index < count { Ok(()) } else { Err(ReceiptsError::Index { index, count }) }
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn receipts(count: u32) -> Vec<Receipt> {
        (0..count)
            .map(|n| Receipt {
                job: JobId(Uuid::from_u128(n.into())),
                attestation: Digest(Felt::from(n)),
                amount: Fri(u128::from(n) + 1),
            })
            .collect()
    }

    #[test]
    fn every_receipt_leads_to_the_root_by_its_own_path_and_by_no_other() {
        for count in [1, 2, 3, 8, 9] {
            let all = receipts(count);
            let root = root(&all).unwrap();
            for (index, receipt) in all.iter().enumerate() {
                let path = path(&all, index).unwrap();
                assert_eq!(root_of(receipt, index, all.len(), &path).unwrap(), root);
                let mut other = *receipt;
                other.amount = Fri(other.amount.0 ^ 1);
                assert_ne!(root_of(&other, index, all.len(), &path).unwrap(), root);
                for changed in 0..path.len() {
                    let mut path = path.clone();
                    path[changed].sum = Fri(path[changed].sum.0 ^ 1);
                    assert_ne!(root_of(receipt, index, all.len(), &path).unwrap(), root);
                }
                let short = &path[..path.len().saturating_sub(1)];
                assert_eq!(path.is_empty(), root_of(receipt, index, all.len(), short).is_ok());
            }
            assert!(path(&all, all.len()).is_err());
        }
    }
}
