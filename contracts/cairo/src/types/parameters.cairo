//! What a deployment fixes for good.

use starknet::{ClassHash, ContractAddress};

/// The JobManager's part. `pool` and the two durations come from the pool that deploys it.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct ManagerParameters {
    /// Registers models.
    pub registrar: ContractAddress,
    /// Pauses settlement for a while.
    pub guardian: ContractAddress,
    /// In fri: the least active stake of a worker that registers or is paid.
    pub min_worker_stake: u128,
    /// The declared ERC-20 class that CIRO credits are an instance of.
    pub credits_class: ClassHash,
    /// The most credits that will ever exist, in their smallest unit (10^-18).
    pub credits_cap: u128,
}

/// The pool's part. All durations are in seconds.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct PoolParameters {
    /// The ERC-20 token that every amount is counted in.
    pub token: ContractAddress,
    /// Gets the part of a slashed stake that its reporter does not.
    pub treasury: ContractAddress,
    /// The least time that pay stays locked.
    pub challenge_window_s: u64,
    pub withdrawal_notice_s: u64,
    pub unbonding_s: u64,
    /// How long an operator's allowance lasts before it starts anew.
    pub allowance_epoch_s: u64,
}
