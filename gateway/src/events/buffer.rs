//! The newest of what workers told, in Redis: bounded in entries, bytes and time. Losing it loses events and nothing else.

use ciro_api::{
    JobId, limits,
    rest::{Base64, events::Progress},
};

use crate::queue::{Queue, QueueError};

/// What became of something told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appended {
    Stored,
    /// It, or one behind it, came before.
    Known,
    TooFast,
}

/// One thing told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) epoch: u64,
    pub(super) seq: u32,
    pub(super) event: Progress,
}

/// What was found behind a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The newest that is kept, when anything is.
    pub(super) newest: Option<(u64, u32)>,
    /// In order, at most [`limits::EVENTS_READ_MAX`].
    pub(super) entries: Vec<Entry>,
}

/// Both keys in the job's own slot of a cluster.
fn keys(job: JobId) -> [String; 2] {
    [format!("{{ciro:{job}}}:told"), format!("{{ciro:{job}}}:gauge")]
}

/// Keeps what a worker told.
pub(super) async fn append(
    queue: &Queue,
    job: JobId,
    entry: &Entry,
) -> Result<Appended, QueueError> {
    let (kind, value) = match &entry.event {
        Progress::Percent(percent) => ("percent", percent.to_string().into_bytes()),
        Progress::Output(chunk) => ("output", chunk.0.clone()),
        Progress::Log(text) => ("log", text.clone().into_bytes()),
    };
    let mut call = redis::cmd("FCALL");
    call.arg("ciro_events_append_v1").arg(2).arg(&keys(job)).arg(entry.epoch).arg(entry.seq);
    call.arg(kind).arg(value).arg(limits::EVENTS_KEPT_MAX).arg(limits::EVENTS_KEPT_BYTES_MAX);
    call.arg(limits::EVENTS_PER_SECOND_MAX).arg(limits::EVENTS_TTL_MS);
    Ok(match queue.query::<u8>(&call).await? {
        0 => Appended::Known,
        1 => Appended::Stored,
        _ => Appended::TooFast,
    })
}

/// What was told behind number `seq` of `epoch`.
pub(super) async fn read(
    queue: &Queue,
    job: JobId,
    epoch: u64,
    seq: u32,
) -> Result<Found, QueueError> {
    let mut call = redis::cmd("FCALL");
    call.arg("ciro_events_read_v1").arg(2).arg(&keys(job)).arg(epoch).arg(seq);
    call.arg(limits::EVENTS_READ_MAX);
    let flat: Vec<Vec<u8>> = queue.query(&call).await?;
    let Some((newest, entries)) = flat.split_first() else {
        return Ok(Found::default());
    };
    let entries = entries.chunks_exact(3).filter_map(|parts| {
        let (epoch, seq) = place(&parts[0])?;
        Some(Entry { epoch, seq, event: event(&parts[1], &parts[2])? })
    });
    Ok(Found { newest: place(newest), entries: entries.collect() })
}

fn place(id: &[u8]) -> Option<(u64, u32)> {
    let (epoch, seq) = std::str::from_utf8(id).ok()?.split_once('-')?;
    Some((epoch.parse().ok()?, seq.parse().ok()?))
}

fn event(kind: &[u8], value: &[u8]) -> Option<Progress> {
    let text = || String::from_utf8(value.to_vec()).ok();
    match kind {
        b"percent" => Some(Progress::Percent(text()?.parse().ok()?)),
        b"output" => Some(Progress::Output(Base64(value.to_vec()))),
        b"log" => Some(Progress::Log(text()?)),
        _ => None,
    }
}
