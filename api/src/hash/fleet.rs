//! The tree of a fleet's device keys, whose root is all that the fleet's account keeps of them, and what goes by a place in
//! it. Never holds a private key.

use starknet_rust_core::types::Felt;
use starknet_rust_crypto::poseidon_hash_many;

use super::{hades, short_string, snip12::TypedStruct};
use crate::{
    felt::{Digest, PublicKey},
    limits::FLEET_DEPTH_MAX,
};

const LEAF: &str = "CIRO_FLEET_LEAF";
const NODE: &str = "CIRO_FLEET_NODE";

/// A point of P-256, as JWKs have it: two big-endian numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct P256Key {
    /// One coordinate.
    pub x: [u8; 32],
    /// The other.
    pub y: [u8; 32],
}

/// An ES256 signature: two big-endian numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P256Signature {
    /// First half.
    pub r: [u8; 32],
    /// Second half; it may be above half the curve's order.
    pub s: [u8; 32],
}

/// The key of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKey {
    /// Of the Stark curve. Signs message hashes.
    Stark(PublicKey),
    /// Of P-256. Signs the 32 big-endian bytes of message hashes as ES256 does.
    P256(P256Key),
}

impl DeviceKey {
    /// As the account calls it.
    pub fn kind(&self) -> Felt {
        match self {
            Self::Stark(_) => Felt::ZERO,
            Self::P256(_) => Felt::ONE,
        }
    }

    /// As the account takes it.
    pub fn felts(&self) -> Vec<Felt> {
        match self {
            Self::Stark(key) => vec![key.0],
            Self::P256(key) => [halves(&key.x), halves(&key.y)].concat(),
        }
    }

    /// What the device is known by on chain.
    pub fn leaf(&self) -> Digest {
        let mut felts = vec![short_string(LEAF), self.kind()];
        felts.extend(self.felts());
        Digest(poseidon_hash_many(&felts))
    }
}

impl P256Signature {
    /// As the account takes it.
    pub fn felts(&self) -> Vec<Felt> {
        [halves(&self.r), halves(&self.s)].concat()
    }
}

/// The low half of a number, then the high one.
fn halves(number: &[u8; 32]) -> [Felt; 2] {
    let (high, low) = number.split_at(16);
    [Felt::from_bytes_be_slice(low), Felt::from_bytes_be_slice(high)]
}

/// A device's place in the tree. It keeps it from tree to tree, since its nonces go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

impl Place {
    /// Whether the node above this place at that height is a right child.
    fn is_right(self, height: usize) -> bool {
        u32::try_from(height).is_ok_and(|height| self.0.checked_shr(height).unwrap_or(0) & 1 == 1)
    }
}

/// One of the 2^64 nonces of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNonce {
    /// Whose.
    pub place: Place,
    /// In any order. 128 in a row share a storage slot, so counting up is cheapest.
    pub counter: u64,
}

impl DeviceNonce {
    /// The nonce of the outside execution; below 2^96.
    pub fn to_felt(self) -> Felt {
        Felt::from((u128::from(self.place.0) << 64) + u128::from(self.counter))
    }

    /// Reads it back; nothing for the nonces of the owner, which are all others.
    pub fn from_felt(nonce: Felt) -> Option<Self> {
        let number = u128::try_from(nonce).ok()?;
        let place = Place(u32::try_from(number >> 64).ok()?);
        let counter = u64::try_from(number & u128::from(u64::MAX)).ok()?;
        Some(Self { place, counter })
    }

    /// Which word of the place's map of used nonces it is in.
    pub fn word(self) -> u64 {
        self.counter / 128
    }

    /// Its bit in that word.
    pub fn mask(self) -> u128 {
        1 << (self.counter % 128)
    }
}

/// The owner's nonces begin here: 2^96. Wallets choose random ones, which are above it as good as always.
pub const OWNER_NONCE_MIN: Felt = Felt::from_hex_unchecked("0x1000000000000000000000000");

/// Where a device is, and how one gets from there to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetPath {
    /// The device's place.
    pub place: Place,
    /// From the leaf upwards; as many as the tree is deep.
    pub siblings: Vec<Digest>,
}

impl FleetPath {
    /// The root that it leads to from this leaf; nothing where no tree has such a place.
    pub fn root(&self, leaf: Digest) -> Option<Digest> {
        let depth = u32::try_from(self.siblings.len()).ok().filter(|d| *d <= FLEET_DEPTH_MAX)?;
        if self.place.0.checked_shr(depth).unwrap_or(0) != 0 {
            return None;
        }
        let climb = |below: Digest, (height, sibling): (usize, &Digest)| {
            if self.place.is_right(height) { node(*sibling, below) } else { node(below, *sibling) }
        };
        Some(self.siblings.iter().enumerate().fold(leaf, climb))
    }
}

/// A tree that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FleetTreeError {
    /// It is deeper than the account takes.
    #[error("a fleet's tree is at most {FLEET_DEPTH_MAX} deep, not {0}")]
    Depth(u32),
    /// It has fewer places than there are devices.
    #[error("a tree of depth {depth} has no room for {count} devices")]
    Count {
        /// How deep it is.
        depth: u32,
        /// How many there are.
        count: usize,
    },
}

/// The keys of a fleet in the order of their places. Only the places that are taken are kept, so a deep tree costs no more
/// than a shallow one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetTree {
    /// Level 0 holds the leaves; the last level holds the root. What a level lacks on the right is empty.
    levels: Vec<Vec<Digest>>,
    /// The root of an empty tree of each height.
    empty: Vec<Digest>,
}

impl FleetTree {
    /// The tree of `depth` with these devices at the places 0, 1 and so on.
    pub fn build(devices: &[DeviceKey], depth: u32) -> Result<Self, FleetTreeError> {
        let leaves: Vec<Option<Digest>> = devices.iter().map(|key| Some(key.leaf())).collect();
        Self::of_leaves(&leaves, depth)
    }

    /// The same, of leaves. A place without one is empty: a device that has left.
    pub fn of_leaves(leaves: &[Option<Digest>], depth: u32) -> Result<Self, FleetTreeError> {
        if depth > FLEET_DEPTH_MAX {
            return Err(FleetTreeError::Depth(depth));
        }
        let count = leaves.len();
        if u64::try_from(count).map_or(true, |count| count > 1 << depth) {
            return Err(FleetTreeError::Count { depth, count });
        }
        let mut tree = Self {
            levels: vec![leaves.iter().map(|leaf| leaf.unwrap_or(EMPTY_LEAF)).collect()],
            empty: vec![EMPTY_LEAF],
        };
        (0..depth).for_each(|_| tree.grow());
        Ok(tree)
    }

    /// Adds the level above the last one.
    fn grow(&mut self) {
        let top = self.levels.len() - 1;
        let empty = self.empty[top];
        let join = |pair: &[Digest]| node(pair[0], *pair.get(1).unwrap_or(&empty));
        self.levels.push(self.levels[top].chunks(2).map(join).collect());
        self.empty.push(node(empty, empty));
    }

    /// What the account keeps. Zero, which has no devices, for a tree without any.
    pub fn root(&self) -> Digest {
        let top = self.levels.last().and_then(|level| level.first());
        top.copied().unwrap_or(EMPTY_LEAF)
    }

    /// The way from a place that is taken to the root.
    pub fn path(&self, place: Place) -> Option<FleetPath> {
        let index = usize::try_from(place.0).ok()?;
        self.levels[0].get(index)?;
        let below_root = &self.levels[..self.levels.len() - 1];
        let sibling = |(height, level): (usize, &Vec<Digest>)| {
            level.get((index >> height) ^ 1).copied().unwrap_or(self.empty[height])
        };
        Some(FleetPath { place, siblings: below_root.iter().enumerate().map(sibling).collect() })
    }
}

/// No key has this leaf.
const EMPTY_LEAF: Digest = Digest(Felt::ZERO);

fn node(left: Digest, right: Digest) -> Digest {
    Digest(hades(left.0, right.0, short_string(NODE)))
}

/// What the owner's next key signs, for the account as signer, so that a slip cannot lock the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetOwnerKey {
    /// The present key.
    pub from: PublicKey,
    /// The next one, which signs.
    pub to: PublicKey,
}

impl TypedStruct for FleetOwnerKey {
    const TYPE: &'static str = r#""FleetOwnerKey"("From":"felt","To":"felt")"#;

    fn fields(&self) -> Vec<Felt> {
        vec![self.from.0, self.to.0]
    }
}

#[cfg(test)]
mod tests;
