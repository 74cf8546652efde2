//! The file from which the devnet makes its chain again: a JSON array of the requests that changed it.
//! Never loses a request that was answered, whenever the devnet or we were killed.
//!
//! The devnet is careless in two places. It appends by cutting off the closing bracket and writing the
//! next request, so a kill in between leaves a torn end; the request in it was not answered yet, and goes.
//! And it deletes the file before it executes it again, writing as it goes, so a kill while it loads loses
//! the rest; so a copy waits beside it until the chain is up.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::value::RawValue;

use crate::stack::{StackError, state_dir};

/// The file and its copy.
#[derive(Debug)]
pub(super) struct ChainFile {
    path: PathBuf,
    copy: PathBuf,
}

impl ChainFile {
    pub(super) fn in_dir(dir: &Path) -> Self {
        Self { path: dir.join("chain.json"), copy: dir.join("chain.loading.json") }
    }

    /// What the devnet reads and writes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file one that the devnet can load, and returns how many requests it holds. From now
    /// until [`ChainFile::loaded`] the devnet may be killed.
    pub(super) fn make_loadable(&self) -> Result<u32, StackError> {
        // A copy is there: the last load was cut short, and the copy has it all.
        let source = if self.copy.exists() { &self.copy } else { &self.path };
        let text = match fs::read(source) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(err) => return Err(StackError::file("read", source)(err)),
        };
        let events = complete_events(&text);
        if events.is_empty() {
            remove(&self.path)?;
            remove(&self.copy)?;
            return Ok(0);
        }
        let whole = serde_json::json!(events).to_string();
        state_dir::write_private(&self.copy, whole.as_bytes())?;
        state_dir::write_private(&self.path, whole.as_bytes())?;
        Ok(u32::try_from(events.len()).unwrap_or(u32::MAX))
    }

    /// The chain is up, so what the devnet has written is whole again.
    pub(super) fn loaded(&self) -> Result<(), StackError> {
        remove(&self.copy)
    }
}

fn remove(path: &Path) -> Result<(), StackError> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            Err(StackError::file("remove", path)(err))
        }
        _ => Ok(()),
    }
}

/// The array's elements up to the first one that is torn.
fn complete_events(text: &[u8]) -> Vec<&RawValue> {
    let mut events = Vec::new();
    let mut rest = text.strip_prefix(b"[").unwrap_or_default();
    loop {
        let next = rest.iter().position(|byte| !b" ,\n".contains(byte)).unwrap_or(rest.len());
        rest = rest.get(next..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let Some(Ok(event)) = stream.next() else {
            return events;
        };
        let end = stream.byte_offset();
        events.push(event);
        rest = rest.get(end..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
