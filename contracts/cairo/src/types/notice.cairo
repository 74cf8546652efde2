//! An announcement to take money out, in one storage slot.

use starknet::storage_access::StorePacking;

const TWO_POW_128: felt252 = 0x100000000000000000000000000000000;

/// `amount` may leave from `ready_at` on. Zero and zero when nothing is announced.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct Notice {
    pub amount: u128,
    pub ready_at: u64,
}

/// 192 bits: `ready_at` above, `amount` below.
impl NoticePacking of StorePacking<Notice, felt252> {
    fn pack(value: Notice) -> felt252 {
        value.ready_at.into() * TWO_POW_128 + value.amount.into()
    }

    fn unpack(value: felt252) -> Notice {
        let halves: u256 = value.into();
        Notice { amount: halves.low, ready_at: halves.high.try_into().unwrap() }
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
