//! The keys of relayers at rest: a Web3 Secret Storage file `<address>.json` for each, and one password.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ciro_api::Address;
use ciro_contracts::{PrivateKey, PrivateKeyError};

/// Keys that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeystoresError {
    /// A file or directory that cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// A secret that others may read.
    #[error("{0} must be readable by its owner only (chmod 600)")]
    Mode(PathBuf),
    /// A file that is named after nothing.
    #[error("{0} is named after no address; a keystore is called <address>.json")]
    Name(PathBuf),
    /// A file that does not open.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
}

/// The whole of a file that nobody else may read, without the end of its line.
pub fn read_secret(path: &Path) -> Result<String, KeystoresError> {
    let failed = |source| KeystoresError::Read(path.to_owned(), source);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeystoresError::Mode(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Opens all keystores of a directory.
pub fn open(
    directory: &Path,
    password: &str,
) -> Result<Vec<(Address, PrivateKey)>, KeystoresError> {
    let failed = |source| KeystoresError::Read(directory.to_owned(), source);
    let mut keys = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
        let Some(name) = name else { continue };
        let address = name.parse().map_err(|_| KeystoresError::Name(path.clone()))?;
        keys.push((address, PrivateKey::from_keystore(&path, password)?));
    }
    Ok(keys)
}
