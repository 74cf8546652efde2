//! Notes which jobs came and which workers asked, and tells Redis once a second, so that no request waits for a signal.
//!
//! What cannot be told is forgotten. A process that dies forgets at most a second.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ciro_api::{Address, PoolName};
use tokio_util::sync::CancellationToken;

use crate::app::App;

const PAUSE: Duration = Duration::from_secs(1);

/// What was noted since Redis was last told. Pools are of the catalogue and workers registered, so it is bounded.
#[derive(Default)]
pub(crate) struct Notes {
    by_pool: Mutex<HashMap<PoolName, Note>>,
}

#[derive(Default)]
struct Note {
    arrived: usize,
    workers: HashSet<Address>,
}

impl Notes {
    /// So many jobs of this pool were accepted.
    pub(crate) fn arrived(&self, pool: &PoolName, jobs: usize) {
        let mut notes = self.by_pool.lock().unwrap_or_else(PoisonError::into_inner);
        let note = notes.entry(pool.clone()).or_default();
        note.arrived = note.arrived.saturating_add(jobs);
    }

    /// This worker asks for jobs of these pools, or holds some.
    pub(crate) fn seen<'a>(&self, worker: Address, pools: impl IntoIterator<Item = &'a PoolName>) {
        let mut notes = self.by_pool.lock().unwrap_or_else(PoisonError::into_inner);
        for pool in pools {
            notes.entry(pool.clone()).or_default().workers.insert(worker);
        }
    }

    fn take(&self) -> HashMap<PoolName, Note> {
        std::mem::take(&mut *self.by_pool.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells Redis until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for (pool, note) in app.pools.take() {
            let mut call = redis::cmd("FCALL");
            call.arg("ciro_pool_note_v1").arg(2).arg(&keys(&pool)).arg(note.arrived);
            for worker in &note.workers {
                call.arg(worker.to_string());
            }
            if let Err(error) = app.queue.query::<u8>(&call).await {
                tracing::debug!(%pool, %error, "signals of a second are lost");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// In the slot of the pool's index.
pub(super) fn keys(pool: &PoolName) -> [String; 2] {
    ["arrivals", "seen"].map(|name| format!("{{ciro:{pool}}}:{name}"))
}
