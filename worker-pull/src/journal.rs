//! The worker's memory on disk: what it signed, what it earned, what it agreed to be paid.
//!
//! A record is on disk before anything that it says leaves the worker. Never forgets an unanswered result or an
//! unpaid receipt.

mod frame;
mod ledger;
mod record;

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, FileExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

pub(crate) use self::{
    ledger::{Claim, Ledger, Seen},
    record::{Attempt, Countersigned, Record, SignedBatch, SignedResult},
};
use crate::sign::Identity;

/// Below this size a journal is not worth rewriting.
const COMPACT_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// Why the journal cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("cannot use the journal at {path}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the journal at {path} is in use by another worker process")]
    InUse { path: PathBuf },
    #[error(
        "{path}: {damaged}. Restore it from a copy: signed results and unpaid receipts are in it"
    )]
    Damaged { path: PathBuf, damaged: frame::Damaged },
    #[error("the journal at {path} is not of this version or not of this worker: {detail}")]
    Foreign { path: PathBuf, detail: String },
    #[error("a record does not fit the journal: {0}")]
    Record(String),
}

/// An open journal. One process at a time; dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    identity: Identity,
    ledger: Ledger,
    /// Where the last durable record ends. What a failed write left behind it is overwritten by the next.
    good_bytes: u64,
    compact_at_bytes: u64,
    /// The file was replaced and the directory may not know it for good.
    dir_unsynced: bool,
    _lock: File,
}

impl Journal {
    /// Opens the journal of `identity` below `state_dir`, cuts a torn end and adds the records up.
    pub(crate) fn open(state_dir: &Path, identity: Identity) -> Result<Self, JournalError> {
        let dir = state_dir.join(dir_name(&identity));
        let path = dir.join("journal");
        let io = |source| JournalError::Io { path: path.clone(), source };
        // Inputs and outputs of other people's jobs are nobody else's business.
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(io)?;
        let lock = File::options().create(true).append(true).open(dir.join("lock")).map_err(io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse { path: path.clone() },
            TryLockError::Error(source) => io(source),
        })?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(io)?;
        let bytes = fs::read(&path).map_err(io)?;
        let scan = frame::scan(&bytes)
            .map_err(|damaged| JournalError::Damaged { path: path.clone(), damaged })?;
        if scan.good_bytes < bytes.len() {
            let torn_bytes = bytes.len() - scan.good_bytes;
            tracing::warn!(
                torn_bytes,
                "the journal's last record was torn by a crash; it is cut off"
            );
        }
        let ledger = replay(&path, &scan.payloads, &identity)?;
        let good_bytes = u64::try_from(scan.good_bytes).unwrap_or(u64::MAX);
        let compact_at_bytes = COMPACT_BYTES_MIN;
        let mut journal = Self {
            path,
            file,
            identity,
            ledger,
            good_bytes,
            compact_at_bytes,
            dir_unsynced: true,
            _lock: lock,
        };
        journal.file.set_len(good_bytes).map_err(|source| journal.io(source))?;
        if good_bytes == 0 {
            journal.append(Record::Opened(identity))?;
        }
        journal.compact_if_grown();
        Ok(journal)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Makes one record durable, then counts it. After an error nothing of the record counts.
    pub(crate) fn append(&mut self, record: Record) -> Result<(), JournalError> {
        let bytes = framed(&record)?;
        if self.dir_unsynced {
            self.sync_dir().map_err(|source| self.io(source))?;
        }
        let write = || {
            self.file.write_all_at(&bytes, self.good_bytes)?;
            self.file.sync_data()
        };
        if let Err(source) = write() {
            // A half-written record would be cut at the next start anyway; this only gives the space back.
            let _cut = self.file.set_len(self.good_bytes);
            return Err(self.io(source));
        }
        self.good_bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.ledger.apply(record);
        Ok(())
    }

    /// Rewrites the journal as the fewest records, when it has grown to twice what it needed last time. A failure
    /// leaves the old journal in place and is only logged: it costs space, nothing else.
    pub(crate) fn compact_if_grown(&mut self) {
        if self.good_bytes < self.compact_at_bytes {
            return;
        }
        match self.compact() {
            Ok(()) => tracing::debug!(bytes = self.good_bytes, "journal compacted"),
            Err(error) => {
                self.compact_at_bytes = self.good_bytes.saturating_mul(2);
                tracing::warn!(%error, "the journal could not be compacted; it stays as it is");
            }
        }
    }

    fn compact(&mut self) -> Result<(), JournalError> {
        let next_path = self.path.with_extension("next");
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let mut next = options.open(&next_path).map_err(|source| self.io(source))?;
        let mut next_bytes = 0_u64;
        for record in [Record::Opened(self.identity)].into_iter().chain(self.ledger.snapshot()) {
            let bytes = framed(&record)?;
            next.write_all(&bytes).map_err(|source| self.io(source))?;
            next_bytes += u64::try_from(bytes.len()).unwrap_or(0);
        }
        next.sync_all()
            .and_then(|()| fs::rename(&next_path, &self.path))
            .map_err(|source| self.io(source))?;
        // From the rename on, the new file is the journal, whether the directory's sync succeeds or not.
        self.file = next;
        self.good_bytes = next_bytes;
        self.compact_at_bytes = next_bytes.saturating_mul(2).max(COMPACT_BYTES_MIN);
        self.dir_unsynced = true;
        self.sync_dir().map_err(|source| self.io(source))
    }

    /// Without this, a power cut could bring a replaced journal back.
    fn sync_dir(&mut self) -> io::Result<()> {
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        self.dir_unsynced = false;
        Ok(())
    }

    fn io(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

fn replay(path: &Path, payloads: &[&[u8]], identity: &Identity) -> Result<Ledger, JournalError> {
    let foreign = |detail: String| JournalError::Foreign { path: path.to_owned(), detail };
    let mut ledger = Ledger::default();
    for (index, payload) in payloads.iter().enumerate() {
        let record: Record =
            serde_json::from_slice(payload).map_err(|error| foreign(error.to_string()))?;
        match record {
            Record::Opened(found) if index == 0 && found == *identity => {}
            other if index > 0 => ledger.apply(other),
            other => return Err(foreign(format!("it begins with {other:?}"))),
        }
    }
    Ok(ledger)
}

fn framed(record: &Record) -> Result<Vec<u8>, JournalError> {
    let payload =
        serde_json::to_vec(record).map_err(|error| JournalError::Record(error.to_string()))?;
    frame::encode(&payload).map_err(|error| JournalError::Record(error.to_string()))
}

/// One directory per chain, contract and worker: a new deployment starts a new journal and harms no old one.
fn dir_name(identity: &Identity) -> String {
    format!("journal-{}", identity_digest(identity))
}

/// What directories of one chain, contract and worker are named after.
pub(crate) fn identity_digest(identity: &Identity) -> String {
    let Identity { chain_id, contract, worker } = identity;
    let digest = Sha256::digest(format!("{chain_id} {contract} {worker}"));
    hex::encode(&digest[..8])
}

#[cfg(test)]
mod tests;
