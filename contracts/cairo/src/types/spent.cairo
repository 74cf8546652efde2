//! What one operator has spent of one sponsor's deposit in the current epoch.

use starknet::storage_access::StorePacking;
use super::timed_amount;

/// `amount` was spent while `timestamp / allowance_epoch_s` was `epoch`.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct Spent {
    pub epoch: u64,
    pub amount: u128,
}

impl SpentPacking of StorePacking<Spent, felt252> {
    fn pack(value: Spent) -> felt252 {
        timed_amount::pack(value.epoch, value.amount)
    }

    fn unpack(value: felt252) -> Spent {
        let (epoch, amount) = timed_amount::unpack(value);
        Spent { epoch, amount }
    }
}

#[generate_trait]
pub impl SpentImpl of SpentTrait {
    /// What counts against the limit in `epoch`: an older record counts for nothing.
    fn within(self: Spent, epoch: u64) -> u128 {
        if self.epoch == epoch {
            self.amount
        } else {
            0
        }
    }
}
