//! Which models this worker offers: everything in the catalogue that it could fetch, check and load.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, mpsc as thread_mpsc},
    time::Duration,
};

use ciro_api::{Manifest, ModelId};
use tokio::sync::{mpsc::UnboundedSender, watch};

use crate::{
    fetch_model::fetch_model,
    gateway::CallError,
    retry::Backoff,
    run::{Bench, Onnx, Outcome, Task},
    work_loop::Workshop,
};

/// How often the catalogue is read again.
const REFRESH: Duration = Duration::from_secs(30);
/// Most models loaded at once: each holds a thread and its weights.
const MODELS_MAX: usize = 64;

/// A model ready to run.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) id: ModelId,
    pub(crate) manifest: Manifest,
    pub(crate) tasks: thread_mpsc::Sender<Task>,
}

/// The models on offer, as the lease loop watches them.
pub(crate) type Offers = Vec<Arc<Offered>>;

/// Reads the catalogue and keeps the offer current.
pub(crate) struct Offering {
    pub(crate) shop: Arc<Workshop>,
    pub(crate) onnx: Option<Onnx>,
    pub(crate) cache_dir: PathBuf,
    pub(crate) outcomes: UnboundedSender<Outcome>,
    pub(crate) offers: watch::Sender<Offers>,
}

impl Offering {
    /// Never returns; the caller stops it by dropping the future.
    pub(crate) async fn keep_current(self) {
        let mut refused = HashSet::new();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        loop {
            let wait = match self.refresh(&mut refused).await {
                Ok(complete) if complete => {
                    backoff.reset();
                    REFRESH
                }
                Ok(_) => backoff.next(None),
                Err(error) => {
                    tracing::warn!(%error, "cannot read the catalogue");
                    backoff.next(error.retry_after())
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether every model of the catalogue is now either offered or refused for good.
    async fn refresh(&self, refused: &mut HashSet<ModelId>) -> Result<bool, CallError> {
        let catalogue = self.shop.gateway.models().await?;
        let listed: HashSet<ModelId> = catalogue.data.iter().map(|model| model.id).collect();
        refused.retain(|id| listed.contains(id));
        self.offers.send_if_modified(|offers| {
            let before = offers.len();
            offers.retain(|offered| listed.contains(&offered.id));
            offers.len() != before
        });
        let mut fresh = Vec::new();
        let mut complete = true;
        for model in catalogue.data {
            let offered = self.offers.borrow().iter().any(|offered| offered.id == model.id);
            if offered || refused.contains(&model.id) {
                continue;
            }
            if self.offers.borrow().len() + fresh.len() >= MODELS_MAX {
                tracing::warn!(model = %model.name, "not offered: {MODELS_MAX} models are loaded already");
                break;
            }
            let loaded = self.load(model.id, &model.name, refused).await;
            complete &= loaded.is_some() || refused.contains(&model.id);
            fresh.extend(loaded);
        }
        // All at once: a long poll that began with the first of them would not ask for the others.
        if !fresh.is_empty() {
            self.offers.send_modify(|offers| offers.extend(fresh));
        }
        Ok(complete)
    }

    async fn load(
        &self,
        id: ModelId,
        name: &str,
        refused: &mut HashSet<ModelId>,
    ) -> Option<Arc<Offered>> {
        let fetched =
            fetch_model(&self.shop.gateway, &self.cache_dir, self.onnx.as_ref(), id).await;
        let (manifest, program) = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(model = name, %id, %error, cause, "model not offered");
                if !error.is_passing() {
                    refused.insert(id);
                }
                return None;
            }
        };
        let held = Arc::clone(&self.shop.held);
        let outcomes = self.outcomes.clone();
        let (called, scheme) = (manifest.name.clone(), manifest.scheme);
        let bench = Bench { model: id, name: called, scheme, program, held, outcomes };
        match bench.start() {
            Ok(tasks) => {
                tracing::info!(model = %manifest.name, %id, "model loaded");
                Some(Arc::new(Offered { id, manifest, tasks }))
            }
            Err(error) => {
                tracing::warn!(model = name, %error, "cannot start the model's thread");
                None
            }
        }
    }
}
