//! What an operator may spend of a sponsor's deposit in each epoch, in one storage slot.

use starknet::storage_access::StorePacking;
use super::timed_amount;

/// `per_epoch` counts from `counts_from` on. What counts until then is kept beside it, in a slot
/// that only lowering writes.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct Limit {
    pub counts_from: u64,
    pub per_epoch: u128,
}

impl LimitPacking of StorePacking<Limit, felt252> {
    fn pack(value: Limit) -> felt252 {
        timed_amount::pack(value.counts_from, value.per_epoch)
    }

    fn unpack(value: felt252) -> Limit {
        let (counts_from, per_epoch) = timed_amount::unpack(value);
        Limit { counts_from, per_epoch }
    }
}
