//! The Merkle tree over attestations, and the one signature that covers it.

use starknet_rust_core::types::Felt;

use super::{depth_for, hades, short_string, snip12::TypedStruct};
use crate::{
    felt::{Address, Digest},
    limits::ATTESTATIONS_MAX,
};

const LEAF: &str = "CIRO_LEAF";
const NODE: &str = "CIRO_NODE";

/// What a worker signs: a root over the struct hashes of `count` attestations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttestationBatch {
    /// Root of the tree.
    pub root: Digest,
    /// How many attestations it covers.
    pub count: u64,
    /// The `JobManager` that may judge them.
    pub contract: Address,
    /// The worker's account.
    pub worker: Address,
}

impl TypedStruct for AttestationBatch {
    const TYPE: &'static str = concat!(
        r#""AttestationBatch"("Root":"felt","Count":"u128","#,
        r#""Contract":"ContractAddress","Worker":"ContractAddress")"#
    );

    fn fields(&self) -> Vec<Felt> {
        vec![self.root.0, Felt::from(self.count), self.contract.0, self.worker.0]
    }
}

/// A batch that cannot exist, or a path that cannot belong to one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Nothing to sign, or more than the bound.
    #[error("a batch holds 1 to {ATTESTATIONS_MAX} attestations, not {0}")]
    Size(usize),
    /// The index points outside the batch.
    #[error("index {index} is outside a batch of {count}")]
    Index {
        /// The index given.
        index: usize,
        /// The batch's size.
        count: usize,
    },
    /// The path's length does not fit the batch's size.
    #[error("a path in a batch of {count} has {expected} nodes, not {given}")]
    PathLength {
        /// The batch's size.
        count: usize,
        /// What the tree's depth demands.
        expected: u32,
        /// What was given.
        given: usize,
    },
}

/// The tree over the struct hashes of a batch.
#[derive(Debug, Clone)]
pub struct BatchTree {
    /// Level 0 holds the leaves, padded to a power of two with zero; the last level holds the root.
    levels: Vec<Vec<Felt>>,
    count: usize,
}

impl BatchTree {
    /// Builds the tree over struct hashes in submission order.
    pub fn build(struct_hashes: &[Felt]) -> Result<Self, BatchError> {
        let count = struct_hashes.len();
        check_size(count)?;
        let mut leaves: Vec<Felt> =
            struct_hashes.iter().enumerate().map(|(index, hash)| leaf(*hash, index)).collect();
        leaves.resize(count.next_power_of_two(), Felt::ZERO);
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let next = level
                .chunks_exact(2)
                .map(|pair| hades(pair[0], pair[1], short_string(NODE)))
                .collect();
            levels.push(next);
        }
        Ok(Self { levels, count })
    }

    /// The root that is signed.
    pub fn root(&self) -> Digest {
        Digest(self.levels[self.levels.len() - 1][0])
    }

    /// The siblings of leaf `index`, from the leaf upwards.
    pub fn path(&self, index: usize) -> Result<Vec<Digest>, BatchError> {
        if index >= self.count {
            return Err(BatchError::Index { index, count: self.count });
        }
        let below_root = &self.levels[..self.levels.len() - 1];
        Ok(below_root
            .iter()
            .enumerate()
            .map(|(height, level)| Digest(level[(index >> height) ^ 1]))
            .collect())
    }
}

/// The root that a leaf and its path lead to.
pub fn root_of(
    struct_hash: Felt,
    index: usize,
    count: usize,
    path: &[Digest],
) -> Result<Digest, BatchError> {
    check_size(count)?;
    if index >= count {
        return Err(BatchError::Index { index, count });
    }
    let expected = depth_for(count);
    if usize::try_from(expected) != Ok(path.len()) {
        return Err(BatchError::PathLength { count, expected, given: path.len() });
    }
    let climb = |node, (height, sibling): (usize, &Digest)| {
        if (index >> height) & 1 == 1 {
            hades(sibling.0, node, short_string(NODE))
        } else {
            hades(node, sibling.0, short_string(NODE))
        }
    };
    Ok(Digest(path.iter().enumerate().fold(leaf(struct_hash, index), climb)))
}

fn check_size(count: usize) -> Result<(), BatchError> {
    if (1..=ATTESTATIONS_MAX).contains(&count) { Ok(()) } else { Err(BatchError::Size(count)) }
}

fn leaf(struct_hash: Felt, index: usize) -> Felt {
    hades(struct_hash, Felt::from(index), short_string(LEAF))
}
