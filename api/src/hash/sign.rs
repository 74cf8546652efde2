//! Stark-curve signatures over message hashes.

use starknet_rust_core::{
    crypto::{ecdsa_sign, ecdsa_verify},
    types::Felt,
};
use starknet_rust_crypto::{Signature as CurveSignature, get_public_key};

use crate::felt::{Digest, PublicKey, Signature};

/// A private key outside the curve's order, or a hash outside the signable range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key or the message hash is outside the curve's range")]
pub struct SignError;

/// Signs with a nonce derived from key and message (RFC 6979), so the same message gives the same signature.
pub fn sign(private_key: &Felt, message_hash: &Felt) -> Result<Signature, SignError> {
    let signed = ecdsa_sign(private_key, message_hash).map_err(|_| SignError)?;
    Ok(Signature { r: Digest(signed.r), s: Digest(signed.s) })
}

/// Whether `key` signed `message_hash`. Malformed values are simply not a signature.
pub fn verify(key: PublicKey, message_hash: &Felt, signature: &Signature) -> bool {
    let curve = CurveSignature { r: signature.r.0, s: signature.s.0 };
    ecdsa_verify(&key.0, message_hash, &curve).unwrap_or(false)
}

/// The public key of a private key.
pub fn public_key(private_key: &Felt) -> PublicKey {
    PublicKey(get_public_key(private_key))
}
