//! The Merkle-sum tree of the receipts behind one statement: its root fixes every amount and the
//! sum.

use core::num::traits::CheckedAdd;
use core::poseidon::poseidon_hash_span;
use super::tree::is_well_formed;

/// A statement covers at most this many receipts.
///
/// 1,000 receipts are 10 levels, and they divide a settlement's fixed cost (about 1 M L2 gas) to
/// about 1,000 L2 gas per job.
pub const STATEMENT_COUNT_MAX: u32 = 1_000;

/// A node of the tree: its hash and the sum of the amounts below it.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct SumNode {
    pub hash: felt252,
    pub sum: u128,
}

/// One paid result.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Receipt {
    pub job: felt252,
    /// The struct hash of its attestation.
    pub attestation: felt252,
    pub amount: u128,
}

/// The leaf of one receipt.
pub fn leaf(receipt: Receipt) -> SumNode {
    let Receipt { job, attestation, amount } = receipt;
    let hash = poseidon_hash_span(['CIRO_RECEIPT', job, attestation, amount.into()].span());
    SumNode { hash, sum: amount }
}

/// The root that the path leads to, or nothing when the path does not fit a statement of `count`
/// receipts or a sum leaves 128 bits.
pub fn root(receipt: Receipt, index: u32, count: u32, path: Span<SumNode>) -> Option<SumNode> {
    if count > STATEMENT_COUNT_MAX || !is_well_formed(index, count, path.len()) {
        return Option::None;
    }
    climb(leaf(receipt), index, path)
}

fn climb(below: SumNode, position: u32, path: Span<SumNode>) -> Option<SumNode> {
    let mut path = path;
    match path.pop_front() {
        Option::None => Option::Some(below),
        Option::Some(sibling) => {
            let above = if position % 2 == 1 {
                node(*sibling, below)
            } else {
                node(below, *sibling)
            };
            climb(above?, position / 2, path)
        },
    }
}

fn node(left: SumNode, right: SumNode) -> Option<SumNode> {
    let sum = left.sum.checked_add(right.sum)?;
    let fields = ['CIRO_SUM', left.hash, left.sum.into(), right.hash, right.sum.into()];
    Option::Some(SumNode { hash: poseidon_hash_span(fields.span()), sum })
}
