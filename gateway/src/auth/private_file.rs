//! Files that only their owner may read.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

/// The file was not read.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Not readable.
    #[error("the file `{0}` cannot be read")]
    Read(String, #[source] io::Error),
    /// Others can read it.
    #[error("the file `{0}` is readable by others; run chmod 600 on it")]
    Exposed(String),
}

/// The text of a file, unless others can read it too.
pub(super) fn read(path: &Path) -> Result<String, PrivateFileError> {
    let name = || path.display().to_string();
    let meta = fs::metadata(path).map_err(|e| PrivateFileError::Read(name(), e))?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(PrivateFileError::Exposed(name()));
    }
    fs::read_to_string(path).map_err(|e| PrivateFileError::Read(name(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let path = std::env::temp_dir().join(format!("ciro-private-{}", std::process::id()));
        fs::write(&path, "secret").unwrap();
        for (mode, is_read) in [(0o644, false), (0o640, false), (0o600, true), (0o400, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), is_read, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path), Err(PrivateFileError::Read(..))));
    }
}
