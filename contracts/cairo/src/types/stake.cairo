//! A worker's stake and how long it must answer for what it was paid, in one storage slot.

use starknet::storage_access::StorePacking;

const TWO_POW_64: u128 = 0x10000000000000000;
const TWO_POW_128: felt252 = 0x100000000000000000000000000000000;

/// All zero for an address that never staked.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct Stake {
    pub amount: u128,
    /// When the last pay of this worker leaves the challenge window; zero when it was never paid.
    pub exposed_until: u64,
    /// When fraud was shown; zero for an honest worker. A slashed address is finished for good.
    pub slashed_at: u64,
}

/// `slashed_at` above, then `exposed_until`, then `amount`. A block's time is far below the 2^59
/// that the felt leaves for the highest field.
impl StakePacking of StorePacking<Stake, felt252> {
    fn pack(value: Stake) -> felt252 {
        let times = value.slashed_at.into() * TWO_POW_64 + value.exposed_until.into();
        times.into() * TWO_POW_128 + value.amount.into()
    }

    fn unpack(value: felt252) -> Stake {
        let halves: u256 = value.into();
        let times = halves.high;
        Stake {
            amount: halves.low,
            exposed_until: (times % TWO_POW_64).try_into().unwrap(),
            slashed_at: (times / TWO_POW_64).try_into().unwrap(),
        }
    }
}
