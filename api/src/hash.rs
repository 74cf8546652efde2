//! Everything that is hashed or signed, as `docs/src/reference/signing.md` defines it.
//!
//! The same values are computed in Cairo and TypeScript; `contracts/vectors` holds all three to one truth.

pub mod attestation;
pub mod batch;
pub mod commitment;
pub mod device;
pub mod fleet;
pub mod outside_execution;
pub mod receipts;
pub mod sign;
pub mod snip12;
pub mod statement;
pub mod worker_login;

use starknet_rust_core::types::Felt;
use starknet_rust_crypto::poseidon_permute_comp;

/// A Cairo short string as a felt. Only for literals of this crate: at most 31 ASCII bytes.
pub(crate) fn short_string(text: &'static str) -> Felt {
    debug_assert!(text.is_ascii() && text.len() <= 31, "`{text}` is no short string");
    Felt::from_bytes_be_slice(text.as_bytes())
}

/// The first word of the Hades permutation: one permutation instead of the two of a three-felt sponge.
pub(crate) fn hades(a: Felt, b: Felt, domain: Felt) -> Felt {
    let mut state = [a, b, domain];
    poseidon_permute_comp(&mut state);
    state[0]
}

/// Depth of the smallest binary tree with at least `leaves` leaves.
pub(crate) fn depth_for(leaves: usize) -> u32 {
    leaves.next_power_of_two().trailing_zeros()
}
