//! The state directory: one place, one owner.
//! Never makes anything readable for other users.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::StackError;

/// Makes the directory and its `log/`, and returns its absolute path: servers run in `/`, so a relative
/// path would mean another place to them.
pub(super) fn prepare(state_dir: &Path) -> Result<PathBuf, StackError> {
    let absolute =
        std::path::absolute(state_dir).map_err(StackError::file("resolve", state_dir))?;
    make_private(&absolute)?;
    make_private(&log_dir(&absolute))?;
    Ok(absolute)
}

/// Makes a directory, and those above it, that only this user can enter.
pub(super) fn make_private(dir: &Path) -> Result<(), StackError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(StackError::file("create", dir))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        .map_err(StackError::file("make private", dir))
}

/// The log of one service.
pub(super) fn log_path(state_dir: &Path, name: &str) -> PathBuf {
    log_dir(state_dir).join(format!("{name}.log"))
}

fn log_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("log")
}

/// Writes a file whole or not at all, readable for this user only.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), StackError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let fresh = path.with_extension("new");
    // A left-over may have other permissions; `mode` counts only for a file that is created.
    match fs::remove_file(&fresh) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            return Err(StackError::file("replace", &fresh)(err));
        }
        _ => {}
    }
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(StackError::file("write", path))
}
