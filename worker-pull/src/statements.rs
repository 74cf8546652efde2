//! The statements that both sides have signed, on the worker's own disk, so that it needs nobody's help to be paid.
//!
//! A statement is here before its countersignature leaves the worker. Never forgets one that may still be unsettled.

mod follow;
mod kept;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

pub(crate) use self::follow::follow_loop;
pub use self::kept::KeptStatement;
use crate::{journal::identity_digest, sign::Identity};

/// Unsettled statements before the worker stops working on credit: a week of one a minute.
const UNSETTLED_MAX: usize = 10_000;
/// Statements kept after the gateway called them settled, some 10 MB: its word is no proof, and whoever looks at the
/// chain within that time still finds what is needed.
const SETTLED_KEPT: usize = 10_000;
const SETTLED: &str = "settled";
const PREFIX: &str = "statements-";

/// A file of a statement that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StatementFileError {
    /// The disk refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It holds no statement.
    #[error("{path} does not hold a statement as `ciro-worker` writes it; restore it from a copy")]
    Content {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StatementFileError {
    let path = path.to_owned();
    move |source| StatementFileError::Io { doing, path, source }
}

/// Where one worker's statements lie: a file each, and those that are called settled in a directory below.
#[derive(Debug)]
pub(crate) struct StatementDir {
    dir: PathBuf,
    /// How many are not called settled.
    unsettled: AtomicUsize,
}

impl StatementDir {
    /// Opens the directory of `identity` below `state_dir`. The journal's lock is held, so nobody else writes here.
    pub(crate) fn open(state_dir: &Path, identity: &Identity) -> Result<Self, StatementFileError> {
        let dir = state_dir.join(format!("{PREFIX}{}", identity_digest(identity)));
        let settled = dir.join(SETTLED);
        let make = DirBuilder::new().recursive(true).mode(0o700).create(&settled);
        make.map_err(failed("make", &settled))?;
        sync(state_dir)?;
        let unsettled = AtomicUsize::new(files(&dir)?.len());
        Ok(Self { dir, unsettled })
    }

    /// Makes the statement durable. Keeping it again changes nothing; with another signature, the newer one counts.
    pub(crate) fn keep(&self, statement: &KeptStatement) -> Result<(), StatementFileError> {
        let path = self.dir.join(name(statement));
        let is_new = match read(&path) {
            Ok(found) if found == *statement => return Ok(()),
            Ok(_) => false,
            Err(_) => !path.exists(),
        };
        write(&path, statement)?;
        sync(&self.dir)?;
        if is_new {
            self.unsettled.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Those that are not called settled, in the order of sponsor and number. One that cannot be read is only logged:
    /// whoever settles alone is told of it.
    pub(crate) fn unsettled(&self) -> Result<Vec<KeptStatement>, StatementFileError> {
        let mut found = Vec::new();
        for path in files(&self.dir)? {
            match read(&path) {
                Ok(statement) => found.push(statement),
                Err(error) => tracing::error!(%error, "a kept statement cannot be read"),
            }
        }
        sort(&mut found);
        Ok(found)
    }

    /// Puts a statement aside that the gateway calls settled, and drops the oldest of those beyond the bound.
    pub(crate) fn set_aside(&self, statement: &KeptStatement) -> Result<(), StatementFileError> {
        let (from, settled) = (self.dir.join(name(statement)), self.dir.join(SETTLED));
        // Lost in a crash, the move is made again: the gateway is asked about it once more.
        fs::rename(&from, settled.join(name(statement))).map_err(failed("put aside", &from))?;
        self.unsettled.fetch_sub(1, Ordering::Relaxed);
        drop_oldest(&settled, SETTLED_KEPT)
    }

    /// Why no more work should be taken, if there is a reason.
    pub(crate) fn overdue(&self) -> Option<&'static str> {
        (self.unsettled.load(Ordering::Relaxed) >= UNSETTLED_MAX)
            .then_some("too many countersigned statements are not settled: `ciro worker settle`")
    }
}

/// Every statement below a worker's state directory, whichever network it is of, those called settled too, in the
/// order of sponsor and number; and what could not be read. Changes nothing, so the worker may be at work.
pub fn read_all(
    state_dir: &Path,
) -> Result<(Vec<KeptStatement>, Vec<StatementFileError>), StatementFileError> {
    let mut dirs = Vec::new();
    for entry in fs::read_dir(state_dir).map_err(failed("read", state_dir))? {
        let entry = entry.map_err(failed("read", state_dir))?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            // Settled ones last: a statement that is moved while we read is seen twice and not missed.
            dirs.extend([entry.path(), entry.path().join(SETTLED)]);
        }
    }
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for dir in dirs {
        for path in files(&dir)? {
            match read(&path) {
                Ok(statement) => found.push(statement),
                Err(StatementFileError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => unreadable.push(error),
            }
        }
    }
    sort(&mut found);
    found.dedup_by_key(|kept| {
        (kept.contract.0, kept.worker.0, kept.sponsor.0, kept.operator.0, kept.seq)
    });
    Ok((found, unreadable))
}

fn sort(statements: &mut [KeptStatement]) {
    statements.sort_by_key(|kept| {
        let KeptStatement { contract, worker, sponsor, operator, seq, .. } = kept;
        [contract.0, worker.0, sponsor.0, operator.0, (*seq).into()].map(|f| f.to_bytes_be())
    });
}

/// What was signed decides the name, not what a gateway calls it: one statement never takes another's place.
fn name(statement: &KeptStatement) -> String {
    format!("{}-{}-{}.json", statement.operator, statement.sponsor, statement.seq)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, StatementFileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed("read", dir))? {
        let path = entry.map_err(failed("read", dir))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            found.push(path);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<KeptStatement, StatementFileError> {
    let text = fs::read_to_string(path).map_err(failed("read", path))?;
    serde_json::from_str(&text)
        .map_err(|source| StatementFileError::Content { path: path.to_owned(), source })
}

/// Whole or not at all, and on the disk.
fn write(path: &Path, statement: &KeptStatement) -> Result<(), StatementFileError> {
    let partial = path.with_extension("partial");
    let mut text = serde_json::to_string_pretty(statement)
        .map_err(|source| StatementFileError::Content { path: path.to_owned(), source })?;
    text.push('\n');
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&partial);
    let mut file = opened.map_err(failed("write", &partial))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&partial, path))
        .map_err(failed("write", path))
}

/// A new name in a directory is safe only when the directory is.
fn sync(dir: &Path) -> Result<(), StatementFileError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))
}

fn drop_oldest(dir: &Path, kept: usize) -> Result<(), StatementFileError> {
    let mut found = files(dir)?;
    if found.len() <= kept {
        return Ok(());
    }
    found.sort_by_cached_key(|path| path.metadata().and_then(|found| found.modified()).ok());
    let surplus = found.len() - kept;
    found[..surplus]
        .iter()
        .try_for_each(|path| fs::remove_file(path).map_err(failed("remove", path)))
}

#[cfg(test)]
impl StatementDir {
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }
}

#[cfg(test)]
mod tests;
