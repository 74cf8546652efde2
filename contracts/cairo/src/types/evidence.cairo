//! What proves that a worker claimed a result.

use super::attestation::Attestation;

/// An attestation, its place in the batch that its worker signed, and the signature.
///
/// A requester holds this with every result (docs: What is signed, and how it is hashed).
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Evidence {
    pub attestation: Attestation,
    /// The leaf's place among the `count` leaves of the batch.
    pub index: u32,
    pub count: u32,
    /// The siblings from the leaf upwards.
    pub path: Span<felt252>,
    /// The key that signed: the worker's current one, or one it had before.
    pub public_key: felt252,
    pub signature_r: felt252,
    pub signature_s: felt252,
}
