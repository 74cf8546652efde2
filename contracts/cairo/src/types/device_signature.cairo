//! How a device of a fleet signs: its key, its place in the tree, the path from there, and the
//! signature, one after another in a span.

use crate::hashes::es256::is_valid_es256;
use crate::hashes::fleet::{DEPTH_MAX, leaf, root};
use crate::hashes::signature::is_valid_signature;

/// Opens a device's signature.
pub const MAGIC: felt252 = 'fleet-device';

/// A key of the Stark curve: its x coordinate. Signs the message; `r, s`.
pub const KIND_STARK: felt252 = 0;

/// A key of P-256: `x.low, x.high, y.low, y.high`. Signs the message's 32 bytes as ES256 does;
/// `r.low, r.high, s.low, s.high`.
pub const KIND_P256: felt252 = 1;

#[derive(Copy, Drop, Debug)]
pub struct DeviceSignature {
    pub kind: felt252,
    pub key: Span<felt252>,
    /// The device's place in the tree.
    pub index: u32,
    /// Siblings, from the leaf upwards.
    pub path: Span<felt252>,
    pub signature: Span<felt252>,
}

#[generate_trait]
pub impl DeviceSignatureImpl of DeviceSignatureTrait {
    /// Reads `[magic, kind, key.., index, path length, path.., signature..]`, to the last felt.
    fn read(felts: Span<felt252>) -> Option<DeviceSignature> {
        let mut rest = felts;
        if *rest.pop_front()? != MAGIC {
            return Option::None;
        }
        let kind = *rest.pop_front()?;
        let (key_length, signature_length) = lengths(kind)?;
        let place_at = key_length + 2;
        if rest.len() < place_at {
            return Option::None;
        }
        let index = (*rest[key_length]).try_into()?;
        let depth: u32 = (*rest[key_length + 1]).try_into()?;
        if depth > DEPTH_MAX || rest.len() != place_at + depth + signature_length {
            return Option::None;
        }
        let key = rest.slice(0, key_length);
        let path = rest.slice(place_at, depth);
        let signature = rest.slice(place_at + depth, signature_length);
        Option::Some(DeviceSignature { kind, key, index, path, signature })
    }

    /// The device's leaf: what it is known by on chain.
    fn leaf(self: DeviceSignature) -> felt252 {
        leaf(self.kind, self.key)
    }

    /// The root that the path leads to, or nothing where the tree has no such place.
    fn root(self: DeviceSignature, leaf: felt252) -> Option<felt252> {
        root(leaf, self.index, self.path)
    }

    /// Whether the key that it names has signed `message`. Never panics.
    fn has_signed(self: DeviceSignature, message: felt252) -> bool {
        if self.kind == KIND_STARK {
            return is_valid_signature(
                message, *self.key[0], *self.signature[0], *self.signature[1]
            );
        }
        is_valid_es256(message, self.key, self.signature)
    }
}

/// Of the key and of the signature.
fn lengths(kind: felt252) -> Option<(u32, u32)> {
    if kind == KIND_STARK {
        Option::Some((1, 2))
    } else if kind == KIND_P256 {
        Option::Some((4, 4))
    } else {
        Option::None
    }
}
