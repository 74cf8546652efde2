//! The last words of a service, for the error that says it failed.
//! Never reads more than the end of the file, and nothing that an earlier run wrote.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// As many lines as a person reads before opening the file.
const LINES: usize = 20;
/// Far more than 20 log lines take.
const BYTES_MAX: u64 = 64 * 1024;

/// The last lines after byte `start`; a note in their place when there are none.
pub(super) fn read(path: &Path, start: u64) -> String {
    let text = read_end(path, start).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n");
    if last.is_empty() { "(it logged nothing)".to_owned() } else { last }
}

fn read_end(path: &Path, start: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(BYTES_MAX))))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
