//! Signed attestations, alone or two under one signature.

use crate::hashes::attestation_batch::{leaf, root};
use crate::hashes::snip12::{attestation_batch_hash, attestation_hash, domain_hash, message_hash};
use crate::types::attestation::{Attestation, AttestationBatch};
use crate::types::evidence::Evidence;
use super::signer::{public_key, sign};
use super::world::{CHAIN_ID, World};

/// What a worker with the key `secret` shows for this result, signed alone.
pub fn evidence_of(_world: World, attestation: Attestation, secret: felt252) -> Evidence {
    signed(attestation, 0, 1, [].span(), secret)
}

/// What a worker with the key `secret` shows for each of two results under one signature.
pub fn evidence_in_batch(
    _world: World, first: Attestation, second: Attestation, secret: felt252
) -> (Evidence, Evidence) {
    let left = leaf(attestation_hash(first), 0);
    let right = leaf(attestation_hash(second), 1);
    (signed(first, 0, 2, [right].span(), secret), signed(second, 1, 2, [left].span(), secret))
}

/// Signs the root that the path leads to, for the contract and worker of the attestation.
pub fn signed(
    attestation: Attestation, index: u32, count: u32, path: Span<felt252>, secret: felt252
) -> Evidence {
    let Attestation { contract, worker, .. } = attestation;
    let root = root(attestation_hash(attestation), index, count, path).unwrap();
    let batch = AttestationBatch { root, count: count.into(), contract, worker };
    let domain = domain_hash(CHAIN_ID);
    let message = message_hash(domain, worker, attestation_batch_hash(batch));
    let (signature_r, signature_s) = sign(message, secret);
    let public_key = public_key(secret);
    Evidence { attestation, index, count, path, public_key, signature_r, signature_s }
}
