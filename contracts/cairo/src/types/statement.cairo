//! What a worker countersigns to be paid: the sum of its receipts from one sponsor.

use starknet::ContractAddress;

/// "`sponsor` owes me `amount` for `count` results under the root `receipts`."
///
/// The signed struct has two more fields: the operator through which it settles, so that no other
/// can settle it again, and the JobManager's address. The contract knows both.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Statement {
    pub sponsor: ContractAddress,
    pub worker: ContractAddress,
    /// One more than the last settled statement of this sponsor, operator and worker; the first is
    /// 1.
    pub seq: u128,
    pub count: u128,
    pub amount: u128,
    /// The hash of the receipts' Merkle-sum root, whose sum is `amount`.
    pub receipts: felt252,
}

/// A statement and the worker's Stark signature of its SNIP-12 message.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct SignedStatement {
    pub statement: Statement,
    pub signature_r: felt252,
    pub signature_s: felt252,
}

/// A statement signed by both sides, so that anyone may send it.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct OperatorSignedStatement {
    pub signed: SignedStatement,
    /// The operator's Stark signature of the same struct, with the operator as signer.
    pub operator_r: felt252,
    pub operator_s: felt252,
}
