//! Running a server as another user than root.
//! Never raises anybody: all of it is given up from root, none of it gained.

use std::ffi::OsString;
use std::os::unix::fs::chown;
use std::path::Path;

use nix::unistd::{Uid, User};

use super::StackError;

/// Another user, who may pass closed doors: a state directory is closed to others and may lie below one
/// that is, such as `/root`, so the user keeps root's right to pass file permissions, and only that one.
#[derive(Debug, Clone)]
pub struct RunAs {
    uid: u32,
    gid: u32,
}

impl RunAs {
    /// The user `name` when this process is root; `None` when it is not, since then it can only stay
    /// who it is.
    pub fn instead_of_root(name: &str) -> Result<Option<Self>, StackError> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let user = User::from_name(name)
            .ok()
            .flatten()
            .ok_or_else(|| StackError::NoSuchUser { user: name.to_owned() })?;
        Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }

    /// Makes the user the owner of one file or directory.
    pub fn give(&self, path: &Path) -> Result<(), StackError> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(StackError::file("give away", path))
    }

    /// The arguments that make `setpriv` become this user.
    pub(super) fn setpriv_args(&self) -> Vec<OsString> {
        vec![
            format!("--reuid={}", self.uid).into(),
            format!("--regid={}", self.gid).into(),
            "--init-groups".into(),
            // dac_read_search would do, but containers commonly withhold it and grant this one.
            "--inh-caps=+dac_override".into(),
            "--ambient-caps=+dac_override".into(),
        ]
    }
}
