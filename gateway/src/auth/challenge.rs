//! Login challenges: 31 bytes of end, nonce and our mark. None is stored before it was answered rightly, so nobody can
//! fill a table by asking in others' names.

use ciro_api::{Address, Felt, PublicKey, felt::Digest, limits};
use rand::RngCore;
use time::OffsetDateTime;

use super::secret::Secret;

/// Who is to answer. A challenge for one is worth nothing to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answerer {
    /// A worker, by its account.
    Worker(Address),
    /// A device, by its Stark key.
    Device(PublicKey),
}

/// A fresh challenge.
pub(crate) fn make(secret: &Secret, answerer: Answerer) -> Digest {
    let mut bytes = [0_u8; 31];
    let ttl_s = u32::try_from(limits::CHALLENGE_TTL_S).unwrap_or(0);
    bytes[..4].copy_from_slice(&now_s().saturating_add(ttl_s).to_be_bytes());
    rand::rng().fill_bytes(&mut bytes[4..15]);
    let mark = mark(secret, answerer, &bytes[..15]);
    bytes[15..].copy_from_slice(&mark);
    Digest(Felt::from_bytes_be_slice(&bytes))
}

/// Whether we made this challenge for this answerer and its time is not over.
pub(crate) fn is_open(secret: &Secret, answerer: Answerer, challenge: Digest) -> bool {
    let bytes = challenge.0.to_bytes_be();
    let ends_at_s = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
    let expected = mark(secret, answerer, &bytes[1..16]);
    // All bytes are looked at, so that the time taken tells a forger nothing.
    let differing = bytes[16..].iter().zip(expected).fold(bytes[0], |all, (a, b)| all | (a ^ b));
    differing == 0 && now_s() < ends_at_s
}

fn mark(secret: &Secret, answerer: Answerer, body: &[u8]) -> [u8; 16] {
    match answerer {
        Answerer::Worker(address) => secret.keyed("challenge", &[&address.0.to_bytes_be(), body]),
        Answerer::Device(key) => secret.keyed("device challenge", &[&key.0.to_bytes_be(), body]),
    }
}

fn now_s() -> u32 {
    u32::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or(u32::MAX)
}
