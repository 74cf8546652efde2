//! A number of a moment or a period beside an amount: the shape of most records of money, packed
//! into one storage slot.

const TWO_POW_128: felt252 = 0x100000000000000000000000000000000;

/// 192 bits: `number` above, `amount` below.
pub fn pack(number: u64, amount: u128) -> felt252 {
    number.into() * TWO_POW_128 + amount.into()
}

/// What `pack` packed.
pub fn unpack(value: felt252) -> (u64, u128) {
    let halves: u256 = value.into();
    (halves.high.try_into().unwrap(), halves.low)
}
