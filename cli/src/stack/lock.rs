//! One stack per state directory: a file lock that the kernel gives back when its holder dies, however.
//! Never trusts a process id that was left in a file by somebody who is gone.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::StackError;

/// Held for as long as a stack lives; dropping it lets the next one in.
#[derive(Debug)]
pub struct StateLock {
    // The lock is the open file's: closing it, or dying, unlocks.
    file: File,
}

impl Drop for StateLock {
    fn drop(&mut self) {
        // Only tidiness: `holder` asks the lock, not the text.
        let _ = self.file.set_len(0);
    }
}

/// Takes the lock of `state_dir`, which must exist, and writes this process's id into it.
pub fn acquire(state_dir: &Path) -> Result<StateLock, StackError> {
    let path = lock_path(state_dir);
    let mut file = open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = read_pid(&mut file);
            return Err(StackError::Locked { state_dir: state_dir.to_owned(), pid });
        }
        Err(TryLockError::Error(err)) => return Err(StackError::file("lock", path)(err)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()))
        .map_err(StackError::file("write", path))?;
    Ok(StateLock { file })
}

/// The process that holds `state_dir` now; `None` when nobody does. To end a stack, signal this process
/// and wait until nobody holds the lock.
pub fn holder(state_dir: &Path) -> Result<Option<u32>, StackError> {
    let path = lock_path(state_dir);
    if !path.exists() {
        return Ok(None);
    }
    let mut file = open(&path)?;
    // A shared lock is enough to learn that no exclusive one is held, and two askers do not meet.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(read_pid(&mut file)),
        Err(TryLockError::Error(err)) => Err(StackError::file("lock", path)(err)),
    }
}

fn lock_path(state_dir: &Path) -> PathBuf {
    state_dir.join("lock")
}

fn open(path: &Path) -> Result<File, StackError> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(StackError::file("open", path))
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
