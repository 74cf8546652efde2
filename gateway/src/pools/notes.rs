//! Notes which jobs came and which workers asked, and tells Redis once a second, so that no request waits for a signal.
//!
//! What cannot be told is forgotten. A process that dies forgets at most a second.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ciro_api::{Address, ModelId};
use tokio_util::sync::CancellationToken;

use crate::app::App;

const PAUSE: Duration = Duration::from_secs(1);

/// What was noted since Redis was last told. Models are of the catalogue and workers registered, so it is bounded.
#[derive(Default)]
pub(crate) struct Notes {
    by_model: Mutex<HashMap<ModelId, Note>>,
}

#[derive(Default)]
struct Note {
    arrived: usize,
    workers: HashSet<Address>,
}

impl Notes {
    /// So many jobs of this model were accepted.
    pub(crate) fn arrived(&self, model: ModelId, jobs: usize) {
        let mut notes = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        let note = notes.entry(model).or_default();
        note.arrived = note.arrived.saturating_add(jobs);
    }

    /// This worker asks for jobs of these models, or holds some.
    pub(crate) fn seen<'a>(&self, worker: Address, models: impl IntoIterator<Item = &'a ModelId>) {
        let mut notes = self.by_model.lock().unwrap_or_else(PoisonError::into_inner);
        for model in models {
            notes.entry(*model).or_default().workers.insert(worker);
        }
    }

    fn take(&self) -> HashMap<ModelId, Note> {
        std::mem::take(&mut *self.by_model.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells Redis until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for (model, note) in app.pools.take() {
            let mut call = redis::cmd("FCALL");
            call.arg("ciro_pool_note_v1").arg(2).arg(&keys(model)).arg(note.arrived);
            for worker in &note.workers {
                call.arg(worker.to_string());
            }
            if let Err(error) = app.queue.query::<u8>(&call).await {
                tracing::debug!(%model, %error, "signals of a second are lost");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// In the slot of the pool's index.
pub(super) fn keys(model: ModelId) -> [String; 2] {
    ["arrivals", "seen"].map(|name| format!("{{ciro:{model}}}:{name}"))
}
