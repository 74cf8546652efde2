//! Signs as a device with a P-256 key does, so that a test can sign anything. Deterministic, for
//! tests only.

use core::math::{u256_inv_mod, u256_mul_mod_n};
use core::poseidon::poseidon_hash_span;
use core::sha256::compute_sha256_byte_array;
use starknet::SyscallResultTrait;
use starknet::secp256_trait::{Secp256PointTrait, Secp256Trait};
use starknet::secp256r1::Secp256r1Point;

type Curve = Secp256r1Point;

/// `x.low, x.high, y.low, y.high` of the key's point.
pub fn public_key(private_key: felt252) -> Span<felt252> {
    let (x, y) = multiple(private_key.into());
    [x.low.into(), x.high.into(), y.low.into(), y.high.into()].span()
}

/// `r.low, r.high, s.low, s.high` of an ES256 signature of the 32 bytes of `message`.
pub fn sign(message: felt252, private_key: felt252) -> Span<felt252> {
    let (r, s) = sign_with(message, private_key);
    halves(r, s)
}

/// The other signature that counts wherever the first does: `s` is negated.
pub fn sign_mirrored(message: felt252, private_key: felt252) -> Span<felt252> {
    let (r, s) = sign_with(message, private_key);
    halves(r, Secp256Trait::<Curve>::get_curve_size() - s)
}

fn halves(r: u256, s: u256) -> Span<felt252> {
    [r.low.into(), r.high.into(), s.low.into(), s.high.into()].span()
}

fn sign_with(message: felt252, private_key: felt252) -> (u256, u256) {
    let order = Secp256Trait::<Curve>::get_curve_size();
    let n: NonZero<u256> = order.try_into().unwrap();
    let nonce: u256 = poseidon_hash_span([message, private_key].span()).into();
    let (r, _) = multiple(nonce);
    let key_part = u256_mul_mod_n(r, private_key.into(), n);
    let s = add_mod(digest(message) % order, key_part, order);
    let inverse = u256_inv_mod(nonce, n).unwrap().into();
    (r, u256_mul_mod_n(s, inverse, n))
}

fn add_mod(a: u256, b: u256, order: u256) -> u256 {
    if a >= order - b {
        a - (order - b)
    } else {
        a + b
    }
}

fn multiple(scalar: u256) -> (u256, u256) {
    let generator = Secp256Trait::<Curve>::get_generator_point();
    generator.mul(scalar).unwrap_syscall().get_coordinates().unwrap_syscall()
}

fn digest(message: felt252) -> u256 {
    let message: u256 = message.into();
    let mut bytes: ByteArray = "";
    bytes.append_word(message.high.into(), 16);
    bytes.append_word(message.low.into(), 16);
    let mut joined = 0_u256;
    for word in compute_sha256_byte_array(@bytes)
        .span() {
            joined = joined * 0x100000000 + (*word).into();
        };
    joined
}
