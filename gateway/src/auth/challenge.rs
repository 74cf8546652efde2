//! Login challenges: 31 bytes of end, nonce and our mark. None is stored before it was answered rightly, so nobody can
//! fill a table by asking in others' names.

use ciro_api::{Address, Felt, felt::Digest, limits};
use rand::RngCore;
use time::OffsetDateTime;

use super::keys::TokenKeys;

/// A fresh challenge for this worker.
pub(crate) fn make(keys: &TokenKeys, worker: Address) -> Digest {
    let mut bytes = [0_u8; 31];
    let ttl_s = u32::try_from(limits::CHALLENGE_TTL_S).unwrap_or(0);
    bytes[..4].copy_from_slice(&now_s().saturating_add(ttl_s).to_be_bytes());
    rand::rng().fill_bytes(&mut bytes[4..15]);
    let mark = mark(keys, worker, &bytes[..15]);
    bytes[15..].copy_from_slice(&mark);
    Digest(Felt::from_bytes_be_slice(&bytes))
}

/// Whether we made this challenge for this worker and its time is not over.
pub(crate) fn is_open(keys: &TokenKeys, worker: Address, challenge: Digest) -> bool {
    let bytes = challenge.0.to_bytes_be();
    let ends_at_s = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
    let expected = mark(keys, worker, &bytes[1..16]);
    // All bytes are looked at, so that the time taken tells a forger nothing.
    let differing = bytes[16..].iter().zip(expected).fold(bytes[0], |all, (a, b)| all | (a ^ b));
    differing == 0 && now_s() < ends_at_s
}

fn mark(keys: &TokenKeys, worker: Address, body: &[u8]) -> [u8; 16] {
    keys.keyed("challenge", &[&worker.0.to_bytes_be(), body])
}

fn now_s() -> u32 {
    u32::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or(u32::MAX)
}
