//! The P-256 signature check, as JOSE's ES256 has it: over the SHA-256 of the message's bytes.

use core::sha256::compute_sha256_u32_array;
use starknet::secp256_trait::{Secp256Trait, is_valid_signature};
use starknet::secp256r1::Secp256r1Point;

const TWO_POW_32: NonZero<u128> = 0x100000000;

/// Whether `signature` is of the 32 big-endian bytes of `message` by `key`, both as low and high
/// halves of two numbers. Never panics.
///
/// An `s` above half the curve's order is accepted: about half of what secure elements make has
/// one. Whoever changes the one into the other gains nothing, since a nonce counts once.
pub fn is_valid_es256(message: felt252, key: Span<felt252>, signature: Span<felt252>) -> bool {
    match checked(message, key, signature) {
        Option::Some(is_valid) => is_valid,
        Option::None => false,
    }
}

/// Nothing where a half is no number of 128 bits.
fn checked(message: felt252, key: Span<felt252>, signature: Span<felt252>) -> Option<bool> {
    let x = number(*key[0], *key[1])?;
    let y = number(*key[2], *key[3])?;
    let r = number(*signature[0], *signature[1])?;
    let s = number(*signature[2], *signature[3])?;
    // The chain reads (0, 0) as the point at infinity, for which anyone can sign.
    if x == 0 && y == 0 {
        return Option::None;
    }
    let point = match Secp256Trait::<Secp256r1Point>::secp256_ec_new_syscall(x, y) {
        Result::Ok(point) => point?,
        Result::Err(_) => { return Option::None; },
    };
    Option::Some(is_valid_signature(digest(message), r, s, point))
}

fn number(low: felt252, high: felt252) -> Option<u256> {
    Option::Some(u256 { low: low.try_into()?, high: high.try_into()? })
}

fn digest(message: felt252) -> u256 {
    let u256 { low, high } = message.into();
    let mut words = array![];
    append_words(ref words, high);
    append_words(ref words, low);
    let [a, b, c, d, e, f, g, h] = compute_sha256_u32_array(words, 0, 0);
    u256 { low: join(e, f, g, h), high: join(a, b, c, d) }
}

/// The four 32-bit words of half a number, highest first.
fn append_words(ref words: Array<u32>, half: u128) {
    let (rest, d) = DivRem::div_rem(half, TWO_POW_32);
    let (rest, c) = DivRem::div_rem(rest, TWO_POW_32);
    let (a, b) = DivRem::div_rem(rest, TWO_POW_32);
    for word in array![a, b, c, d] {
        words.append(word.try_into().unwrap());
    };
}

fn join(a: u32, b: u32, c: u32, d: u32) -> u128 {
    let step: u128 = 0x100000000;
    ((a.into() * step + b.into()) * step + c.into()) * step + d.into()
}
