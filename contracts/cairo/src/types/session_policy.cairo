//! What the devices of a fleet may do.

use starknet::ContractAddress;
use starknet::storage_access::StorePacking;

/// Amounts of a policy are below this, so that two of them share a storage slot: 10^18 STRK.
pub const AMOUNT_LIMIT: u128 = 0x1000000000000000000000000000000;

/// One policy for the whole fleet.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct SessionPolicy {
    /// The only contract that a device may call, and there only `post_job`. Zero: none, so devices
    /// may do nothing.
    pub job_manager: ContractAddress,
    pub spending: SpendingPolicy,
}

/// How much devices may spend, and on which models.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct SpendingPolicy {
    /// In fri, for one job.
    pub price_max: u128,
    /// In fri, for all devices together on one day since 1970 (UTC).
    pub per_day_max: u128,
    /// Whether models need not be allowed one by one.
    pub any_model: bool,
}

/// 248 bits: `per_day_max` above; below, `any_model` and then 120 bits of `price_max`.
impl SpendingPolicyPacking of StorePacking<SpendingPolicy, felt252> {
    fn pack(value: SpendingPolicy) -> felt252 {
        let any_model: u128 = if value.any_model {
            AMOUNT_LIMIT
        } else {
            0
        };
        u256 { low: value.price_max + any_model, high: value.per_day_max }.try_into().unwrap()
    }

    fn unpack(value: felt252) -> SpendingPolicy {
        let u256 { low, high } = value.into();
        let (any_model, price_max) = DivRem::div_rem(low, AMOUNT_LIMIT.try_into().unwrap());
        SpendingPolicy { price_max, per_day_max: high, any_model: any_model != 0 }
    }
}

#[generate_trait]
pub impl SpendingPolicyImpl of SpendingPolicyTrait {
    /// Whether both amounts are below `AMOUNT_LIMIT`.
    fn is_storable(self: SpendingPolicy) -> bool {
        self.price_max < AMOUNT_LIMIT && self.per_day_max < AMOUNT_LIMIT
    }
}
