//! What a device of a fleet signs, and how the account takes it.

use std::fmt;

use ciro_api::{
    Address, ChainId, Felt,
    felt::Digest,
    hash::{
        fleet::{DeviceKey, FleetPath, P256Key, P256Signature},
        outside_execution::OutsideExecution,
        sign::{self, SignError},
    },
};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    elliptic_curve::sec1::ToEncodedPoint,
};

use crate::private_key::PrivateKey;

/// Opens a device's signature.
const MAGIC: &[u8] = b"fleet-device";

/// A device's private key. Never printed.
#[derive(Clone)]
pub enum DeviceSecret {
    /// Of the Stark curve.
    Stark(PrivateKey),
    /// Of P-256.
    P256(SigningKey),
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(redacted)")
    }
}

impl DeviceSecret {
    /// The public half.
    pub fn key(&self) -> DeviceKey {
        match self {
            Self::Stark(key) => DeviceKey::Stark(key.public_key()),
            Self::P256(key) => DeviceKey::P256(p256_key(key)),
        }
    }

    /// The signature of a message hash, as the account takes it.
    fn sign(&self, message: &Felt) -> Result<Vec<Felt>, SignError> {
        match self {
            Self::Stark(key) => {
                let signature = sign::sign(key.reveal(), message)?;
                Ok(vec![signature.r.0, signature.s.0])
            }
            // ES256: the library hashes the bytes with SHA-256.
            Self::P256(key) => {
                let signature: Signature =
                    key.try_sign(&message.to_bytes_be()).map_err(|_| SignError)?;
                let (r, s) = signature.split_bytes();
                Ok(P256Signature { r: r.into(), s: s.into() }.felts())
            }
        }
    }
}

fn p256_key(key: &SigningKey) -> P256Key {
    let point = key.verifying_key().as_affine().to_encoded_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| {
        bytes.map(|bytes| (*bytes).into()).expect("a key's point is not at infinity")
    };
    P256Key { x: coordinate(point.x()), y: coordinate(point.y()) }
}

/// A device of the fleet whose account is at `account`.
#[derive(Clone, Debug)]
pub struct Device {
    /// The account that it acts for.
    pub account: Address,
    /// The account's chain.
    pub chain: ChainId,
    /// Its key.
    pub secret: DeviceSecret,
    /// Its place in the tree, and the way to a root that counts.
    pub path: FleetPath,
}

impl Device {
    /// What it is known by on chain.
    pub fn leaf(&self) -> Digest {
        self.secret.key().leaf()
    }

    /// Its signature of `execution`, whose nonce must be one of its place.
    pub fn sign(&self, execution: &OutsideExecution) -> Result<Vec<Felt>, SignError> {
        let message = execution.message_hash_v2(self.chain, self.account);
        let key = self.secret.key();
        let mut felts = vec![Felt::from_bytes_be_slice(MAGIC), key.kind()];
        felts.extend(key.felts());
        felts.extend([Felt::from(self.path.place.0), Felt::from(self.path.siblings.len())]);
        felts.extend(self.path.siblings.iter().map(|sibling| sibling.0));
        felts.extend(self.secret.sign(&message)?);
        Ok(felts)
    }

    /// The execution with its signature, as the account's function and a Forwarder's operation take them.
    pub fn operation_calldata(&self, execution: &OutsideExecution) -> Result<Vec<Felt>, SignError> {
        Ok(execution.calldata(&self.sign(execution)?))
    }
}

#[cfg(test)]
mod tests;
