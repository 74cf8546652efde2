//! Whether evidence holds: the attestation is a leaf of the batch that this key signed.

use crate::types::attestation::AttestationBatch;
use crate::types::evidence::Evidence;
use super::attestation_batch;
use super::signature::is_valid_signature;
use super::snip12::{attestation_batch_hash, attestation_hash, message_hash};

/// Whether the key that the evidence names signed its attestation, for the contract and worker that
/// the attestation itself names. Whose key it is, the caller must know. Never panics.
pub fn is_signed(evidence: Evidence, domain: felt252) -> bool {
    let Evidence { attestation, index, count, path, public_key, signature_r, signature_s } =
        evidence;
    let leaf = attestation_hash(attestation);
    let root = match attestation_batch::root(leaf, index, count, path) {
        Option::Some(root) => root,
        Option::None => { return false; },
    };
    let batch = AttestationBatch {
        root, count: count.into(), contract: attestation.contract, worker: attestation.worker
    };
    let message = message_hash(domain, attestation.worker, attestation_batch_hash(batch));
    is_valid_signature(message, public_key, signature_r, signature_s)
}
