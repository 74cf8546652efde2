//! The pay that one worker got from one sponsor in one time bucket.

use starknet::storage_access::StorePacking;
use super::timed_amount;

/// Everything paid while `timestamp / window` was `bucket`.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct PaySlot {
    pub bucket: u64,
    pub amount: u128,
}

impl PaySlotPacking of StorePacking<PaySlot, felt252> {
    fn pack(value: PaySlot) -> felt252 {
        timed_amount::pack(value.bucket, value.amount)
    }

    fn unpack(value: felt252) -> PaySlot {
        let (bucket, amount) = timed_amount::unpack(value);
        PaySlot { bucket, amount }
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
