//! An announcement to take money out, in one storage slot.

use starknet::storage_access::StorePacking;
use super::timed_amount;

/// `amount` may leave from `ready_at` on. Zero and zero when nothing is announced.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct Notice {
    pub amount: u128,
    pub ready_at: u64,
}

impl NoticePacking of StorePacking<Notice, felt252> {
    fn pack(value: Notice) -> felt252 {
        timed_amount::pack(value.ready_at, value.amount)
    }

    fn unpack(value: felt252) -> Notice {
        let (ready_at, amount) = timed_amount::unpack(value);
        Notice { amount, ready_at }
    }
}

#[generate_trait]
pub impl NoticeImpl of NoticeTrait {
    /// A notice that ripens `notice_s` from `now`; an amount of zero is the absence of one.
    fn announce(amount: u128, now: u64, notice_s: u64) -> Notice {
        if amount == 0 {
            return Self::none();
        }
        Notice { amount, ready_at: now + notice_s }
    }

    /// Nothing announced.
    fn none() -> Notice {
        Notice { amount: 0, ready_at: 0 }
    }

    /// What of `balance` is spoken for: an announcement may name more than there is.
    fn covers(self: Notice, balance: u128) -> u128 {
        core::cmp::min(self.amount, balance)
    }
}
