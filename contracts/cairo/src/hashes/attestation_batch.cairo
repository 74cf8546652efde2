//! The tree of attestations under one worker signature.

use core::poseidon::hades_permutation;
use super::tree::is_well_formed;

/// One signature covers at most this many results.
///
/// 256 leaves are 8 levels: a path costs 8 Poseidon permutations on chain, and a worker amortizes
/// its signature (0.33 ms) to about a microsecond per result.
pub const BATCH_COUNT_MAX: u32 = 256;

/// The leaf of the attestation with this struct hash at this position.
pub fn leaf(struct_hash: felt252, index: u32) -> felt252 {
    let (hash, _, _) = hades_permutation(struct_hash, index.into(), 'CIRO_LEAF');
    hash
}

/// The root that the path leads to, or nothing when the path does not fit a batch of `count`.
pub fn root(struct_hash: felt252, index: u32, count: u32, path: Span<felt252>) -> Option<felt252> {
    if count > BATCH_COUNT_MAX || !is_well_formed(index, count, path.len()) {
        return Option::None;
    }
    let mut hash = leaf(struct_hash, index);
    let mut position = index;
    for sibling in path {
        hash = if position % 2 == 1 {
            node(*sibling, hash)
        } else {
            node(hash, *sibling)
        };
        position /= 2;
    };
    Option::Some(hash)
}

fn node(left: felt252, right: felt252) -> felt252 {
    let (hash, _, _) = hades_permutation(left, right, 'CIRO_NODE');
    hash
}
