//! The worker's key and what it is used for. The key never leaves this module and is never printed.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ciro_api::{
    Address, ChainId, Felt, PublicKey, Signature,
    felt::parse_felt,
    hash::{
        sign::{SignError, public_key, sign},
        snip12::TypedStruct,
    },
};
use serde::{Deserialize, Serialize};

/// The order of the Stark curve: a private key is below it.
const CURVE_ORDER: &str = "0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f";

/// Who signs, for which contract, on which chain: everything a signature is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) chain_id: ChainId,
    pub(crate) contract: Address,
    pub(crate) worker: Address,
}

/// A private key that no `Debug` or log line shows.
#[derive(Clone)]
struct PrivateKey(Felt);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

/// Why a key file is not used. No variant carries what the file holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("cannot read the key file {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("the key file {path} has mode {mode:o}: others may read it; run `chmod 600 {path}`")]
    ReadableByOthers { path: PathBuf, mode: u32 },
    #[error(
        "the key file {path} does not hold a Stark private key in hex (0x and at most 63 digits)"
    )]
    NotAKey { path: PathBuf },
}

/// Signs for one identity.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    key: PrivateKey,
    identity: Identity,
}

impl Signer {
    pub(crate) fn from_file(path: &Path, identity: Identity) -> Result<Self, KeyError> {
        let read = |source| KeyError::Read { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(read)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::ReadableByOthers { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(read)?;
        let order = Felt::from_hex_unchecked(CURVE_ORDER);
        let in_range = |key: &Felt| *key != Felt::ZERO && *key < order;
        let key = parse_felt(text.trim()).ok().filter(in_range);
        let signer = key.map(|key| Self { key: PrivateKey(key), identity });
        signer.ok_or_else(|| KeyError::NotAKey { path: path.to_owned() })
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        public_key(&self.key.0)
    }

    /// Signs the SNIP-12 message of `typed` as this worker on this chain.
    pub(crate) fn sign(&self, typed: &impl TypedStruct) -> Result<Signature, SignError> {
        let message = typed.message_hash(self.identity.chain_id, self.identity.worker);
        sign(&self.key.0, &message)
    }
}

#[cfg(test)]
impl Signer {
    /// A signer for tests of other modules.
    pub(crate) fn of_test() -> Self {
        let identity = Identity {
            chain_id: ChainId(Felt::from_hex_unchecked("0x534e5f5345504f4c4941")),
            contract: Address(Felt::from(0xc0_u8)),
            worker: Address(Felt::from(0x3a_u8)),
        };
        Self { key: PrivateKey(Felt::from(0x1234_5678_u32)), identity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, mode: u32) -> Result<Signer, KeyError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Signer::from_file(&path, Signer::of_test().identity())
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        for mode in [0o644, 0o640, 0o604, 0o620] {
            assert!(matches!(load("0x1234", mode), Err(KeyError::ReadableByOthers { .. })));
        }
        assert!(load("0x1234\n", 0o600).is_ok());
        assert!(load("0x1234", 0o400).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for bad in [
            "",
            "0x0",
            "secretsecret",
            "0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f",
        ] {
            let error = load(bad, 0o600).unwrap_err();
            assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
            assert!(bad.is_empty() || bad == "0x0" || !format!("{error:?} {error}").contains(bad));
        }
    }

    #[test]
    fn the_private_key_is_in_no_debug_output() {
        let signer = load("0xabcdef123456", 0o600).unwrap();
        let shown = format!("{signer:?} {signer:#?}");
        assert!(!shown.contains("abcdef123456"), "{shown}");
        assert!(!shown.contains(&0xabcd_ef12_3456_u64.to_string()), "{shown}");
        assert!(shown.contains("redacted"));
    }
}
