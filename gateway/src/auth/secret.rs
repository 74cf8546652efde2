//! What the gateways of one network know and nobody else: 256 random bits that ids, marks and webhook secrets are made from.
//!
//! Not the key that signs tokens: that one is replaced from time to time, and what is made here has to stay as it is.

use std::path::Path;

use ciro_api::{Address, LeaseId, WebhookSecretId};
use rand::RngCore;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::private_file::{self, PrivateFileError};

/// The secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Not read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// Not a secret.
    #[error(
        "the secret file `{0}` must hold 64 hexadecimal digits; `openssl rand -hex 32` makes them"
    )]
    Malformed(String),
}

/// The gateways' secret.
pub struct Secret([u8; 32]);

impl Secret {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let text = private_file::read(path)?;
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text.trim(), &mut bytes)
            .map_err(|_| SecretError::Malformed(path.display().to_string()))?;
        Ok(Self(bytes))
    }

    /// A fresh secret as the file holds it, for whoever sets up a network.
    #[must_use]
    pub fn generate() -> String {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        hex::encode(bytes)
    }

    /// The lease id of one lease request: the same request gives the same id, and nobody can guess it.
    pub(crate) fn lease_id(&self, worker: Address, request: Uuid) -> LeaseId {
        let id = self.keyed("lease id", &[&worker.0.to_bytes_be(), request.as_bytes()]);
        LeaseId(uuid::Builder::from_custom_bytes(id).into_uuid())
    }

    /// What webhooks are signed with under this id. Made again whenever it is needed, so that no database holds it.
    pub(crate) fn webhook_secret(&self, id: WebhookSecretId) -> [u8; 32] {
        let mut secret = [0_u8; 32];
        secret[..16].copy_from_slice(&self.keyed("webhook secret, first", &[id.0.as_bytes()]));
        secret[16..].copy_from_slice(&self.keyed("webhook secret, second", &[id.0.as_bytes()]));
        secret
    }

    /// 128 bits that only holders of the secret can make. The parts of one `purpose` always have the same lengths.
    pub(super) fn keyed(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut hash = Sha256::new_with_prefix(self.0);
        hash.update(purpose);
        for part in parts {
            hash.update(part);
        }
        let mut made = [0_u8; 16];
        made.copy_from_slice(&hash.finalize()[..16]);
        made
    }
}
