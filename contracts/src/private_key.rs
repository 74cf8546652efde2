//! A private key at rest and in memory. Never printed, not even in errors.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ciro_api::{Felt, PublicKey, felt::parse_felt, hash::sign};
use starknet_rust::signers::{KeystoreError, SigningKey};

/// A Stark-curve private key.
#[derive(Clone)]
pub struct PrivateKey(Felt);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateKeyError {
    /// It cannot be read.
    #[error("cannot read the key file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may read it.
    #[error("the key file {path} has mode {mode:o}: allow only its owner (chmod 600 {path})")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The keystore is none, or its password another.
    #[error("the keystore {path} cannot be opened: {detail}")]
    Keystore {
        /// The file.
        path: PathBuf,
        /// Why, without the key.
        detail: String,
    },
    /// Its content is no key.
    #[error("the key file {path} does not hold a 0x hex private key")]
    Content {
        /// The file.
        path: PathBuf,
    },
}

impl PrivateKey {
    /// A key from its number.
    pub fn new(value: Felt) -> Self {
        Self(value)
    }

    /// Reads a file that holds the key as `0x` hex and that only its owner may read.
    pub fn from_file(path: &Path) -> Result<Self, PrivateKeyError> {
        let failed = |source| PrivateKeyError::Read { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(PrivateKeyError::Mode { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        match parse_felt(text.trim()) {
            Ok(value) if value != Felt::ZERO => Ok(Self(value)),
            _ => Err(PrivateKeyError::Content { path: path.to_owned() }),
        }
    }

    /// Reads a file that holds the key encrypted, as Web3 Secret Storage.
    pub fn from_keystore(path: &Path, password: &str) -> Result<Self, PrivateKeyError> {
        let failed = |error: KeystoreError| PrivateKeyError::Keystore {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let key = SigningKey::from_keystore(path, password).map_err(failed)?;
        Ok(Self(key.secret_scalar()))
    }

    /// Writes such a file.
    pub fn write_keystore(&self, path: &Path, password: &str) -> Result<(), PrivateKeyError> {
        let failed = |error: KeystoreError| PrivateKeyError::Keystore {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        SigningKey::from_secret_scalar(self.0).save_as_keystore(path, password).map_err(failed)
    }

    /// The number itself, for whoever signs.
    pub fn reveal(&self) -> &Felt {
        &self.0
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        sign::public_key(&self.0)
    }
}
