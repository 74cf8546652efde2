//! The pay that one worker got in one time bucket, in one storage slot.

use starknet::storage_access::StorePacking;

const TWO_POW_128: felt252 = 0x100000000000000000000000000000000;

/// Everything paid while `timestamp / window` was `bucket`.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct PaySlot {
    pub bucket: u64,
    pub amount: u128,
}

/// 192 bits: `bucket` above, `amount` below.
impl PaySlotPacking of StorePacking<PaySlot, felt252> {
    fn pack(value: PaySlot) -> felt252 {
        value.bucket.into() * TWO_POW_128 + value.amount.into()
    }

    fn unpack(value: felt252) -> PaySlot {
        let halves: u256 = value.into();
        PaySlot { bucket: halves.high.try_into().unwrap(), amount: halves.low }
    }
}

#[generate_trait]
pub impl PaySlotImpl of PaySlotTrait {
    /// The second bucket boundary after the payment: one full window and up to one more.
    fn unlocks_at(self: PaySlot, window_s: u64) -> u64 {
        (self.bucket + 2) * window_s
    }

    /// Whether the challenge window of everything in this slot is over.
    fn is_mature(self: PaySlot, now: u64, window_s: u64) -> bool {
        now >= self.unlocks_at(window_s)
    }
}
