//! The password of the private servers, made once per state directory.
//! Never leaves the directory except inside the URLs that a stack hands out.
//!
//! Loopback is open to every user and program of the machine, so "trust on 127.0.0.1" would let any of
//! them read the jobs and, through a superuser's COPY ... PROGRAM, run commands as the server's user.

use std::path::Path;
use std::{fmt, fs, io};

use super::{StackError, state_dir};

/// 128 random bits as hexadecimal: nothing in it needs quoting in a URL or a configuration file.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    /// The password itself.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The directory's password; makes one the first time.
pub(super) fn read_or_make(state_dir: &Path) -> Result<Secret, StackError> {
    let path = state_dir.join("password");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Secret(text.trim().to_owned())),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            let secret = Secret(hex::encode(rand::random::<[u8; 16]>()));
            state_dir::write_private(&path, secret.0.as_bytes())?;
            Ok(secret)
        }
        Err(err) => Err(StackError::file("read", path)(err)),
    }
}
