//! What the JobManager asks the pool to pay: the part of a statement that moves money.

use starknet::ContractAddress;

/// `amount` from the sponsor's deposit to the worker's pending pay, as this pair's payment `seq`.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Payment {
    pub sponsor: ContractAddress,
    pub worker: ContractAddress,
    /// One more than the last paid one of this sponsor and worker; the first is 1.
    pub seq: u128,
    pub amount: u128,
}
