//! Nonces of a fleet account: whose each one is, and which bit of which storage slot.
//!
//! A device with the place `index` in the tree has the nonces `index * 2^64 + counter`, which are
//! below 2^96. The owner has all others, also the random ones that wallets choose.

const TWO_POW_64: NonZero<u128> = 0x10000000000000000;

/// The owner's first nonce: above those of the last place of the deepest tree.
pub const OWNER_NONCE_MIN: felt252 = 0x1000000000000000000000000;

/// Nonces that share a storage slot.
const PER_WORD: NonZero<u128> = 128;

/// `2^128 / 128`: how many words there are below the high half of a nonce.
const WORDS_PER_HIGH: felt252 = 0x2000000000000000000000000000000;

/// `2^64 / 128`: how many words a device has.
pub const WORDS_PER_DEVICE: u64 = 0x200000000000000;

/// One bit of the map of used nonces.
#[derive(Copy, Drop, Debug, PartialEq)]
pub struct NonceBit {
    /// `nonce / 128`.
    pub word: felt252,
    /// A power of two.
    pub mask: u128,
}

/// The place of the device whose nonce it is; nothing for the owner's nonces.
pub fn device_index(nonce: felt252) -> Option<u32> {
    let nonce: u128 = nonce.try_into()?;
    let (index, _) = DivRem::div_rem(nonce, TWO_POW_64);
    index.try_into()
}

/// Where it is noted that `nonce` is used.
pub fn bit(nonce: felt252) -> NonceBit {
    let u256 { low, high } = nonce.into();
    let (word, position) = DivRem::div_rem(low, PER_WORD);
    NonceBit {
        word: high.into() * WORDS_PER_HIGH + word.into(),
        mask: power_of_two(position.try_into().unwrap())
    }
}

/// `2^position` for a position below 128, from two small tables: cheaper than squaring.
fn power_of_two(position: u32) -> u128 {
    let (byte, bit) = DivRem::div_rem(position, 8);
    let bytes = [
        0x1,
        0x100,
        0x10000,
        0x1000000,
        0x100000000,
        0x10000000000,
        0x1000000000000,
        0x100000000000000,
        0x10000000000000000,
        0x1000000000000000000,
        0x100000000000000000000,
        0x10000000000000000000000,
        0x1000000000000000000000000,
        0x100000000000000000000000000,
        0x10000000000000000000000000000,
        0x1000000000000000000000000000000
    ];
    let bits = [1, 2, 4, 8, 16, 32, 64, 128];
    *bytes.span()[byte] * *bits.span()[bit]
}
