//! Signs as a worker does, so that a test can sign any statement. Deterministic, for tests only.

use core::ec::stark_curve::{GEN_X, GEN_Y, ORDER};
use core::ec::{EcPointTrait, EcStateTrait};
use core::math::{u256_div_mod_n, u256_mul_mod_n};
use core::poseidon::poseidon_hash_span;

/// The x coordinate of the key's point.
pub fn public_key(private_key: felt252) -> felt252 {
    x_of_multiple(private_key)
}

/// A Stark signature `(r, s)` of `message`.
pub fn sign(message: felt252, private_key: felt252) -> (felt252, felt252) {
    let order: u256 = ORDER.into();
    let n: NonZero<u256> = order.try_into().unwrap();
    // 128 bits are few for a nonce outside a test.
    let nonce: u256 = poseidon_hash_span([message, private_key].span()).into();
    let nonce: felt252 = nonce.low.into();
    let r = x_of_multiple(nonce);
    let z: u256 = message.into() % order;
    let s = (z + u256_mul_mod_n(r.into(), private_key.into(), n)) % order;
    let s = u256_div_mod_n(s, nonce.into(), n).unwrap();
    (r, s.try_into().unwrap())
}

fn x_of_multiple(scalar: felt252) -> felt252 {
    let generator = EcPointTrait::new_nz(GEN_X, GEN_Y).unwrap();
    let mut state = EcStateTrait::init();
    state.add_mul(scalar, generator);
    state.finalize_nz().unwrap().x()
}
