//! The Stark-curve signature check.

use core::ecdsa::check_ecdsa_signature;
use core::ec::stark_curve::ORDER;

/// Whether `(r, s)` is the signature of `message` by the key with the x coordinate `public_key`.
///
/// Scalars at or above the curve's order are refused before the curve arithmetic sees them, as the
/// core library asks of its callers. Never panics.
pub fn is_valid_signature(message: felt252, public_key: felt252, r: felt252, s: felt252) -> bool {
    is_scalar(r) && is_scalar(s) && check_ecdsa_signature(message, public_key, r, s)
}

fn is_scalar(value: felt252) -> bool {
    let value: u256 = value.into();
    value != 0 && value < ORDER.into()
}
