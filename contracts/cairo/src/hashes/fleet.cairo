//! The tree of a fleet's device keys, and what the owner's next key signs.

use core::poseidon::{hades_permutation, poseidon_hash_span};

/// 4 billion devices. Each level adds a felt of calldata and a permutation to every operation.
pub const DEPTH_MAX: u32 = 32;

pub const OWNER_KEY_TYPE_HASH: felt252 =
    selector!("\"FleetOwnerKey\"(\"From\":\"felt\",\"To\":\"felt\")");

/// The leaf of a device with this key. Its position is not in it: the path gives that.
pub fn leaf(kind: felt252, key: Span<felt252>) -> felt252 {
    let mut felts = array!['CIRO_FLEET_LEAF', kind];
    felts.append_span(key);
    poseidon_hash_span(felts.span())
}

/// The root that the path leads to, or nothing where a tree of that depth has no such place. The
/// caller bounds the path.
pub fn root(leaf: felt252, index: u32, path: Span<felt252>) -> Option<felt252> {
    let mut hash = leaf;
    let mut position = index;
    for sibling in path {
        let (above, side) = DivRem::div_rem(position, 2);
        hash = if side == 1 {
            node(*sibling, hash)
        } else {
            node(hash, *sibling)
        };
        position = above;
    };
    if position == 0 {
        Option::Some(hash)
    } else {
        Option::None
    }
}

fn node(left: felt252, right: felt252) -> felt252 {
    let (hash, _, _) = hades_permutation(left, right, 'CIRO_FLEET_NODE');
    hash
}

/// The struct hash of what the key `to` signs to take over from the key `from`.
pub fn owner_key_hash(from: felt252, to: felt252) -> felt252 {
    poseidon_hash_span([OWNER_KEY_TYPE_HASH, from, to].span())
}
