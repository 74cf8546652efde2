//! Which pools this worker serves, and the models of theirs that it has ready to run.
//!
//! Models are loaded ahead as long as there is room, and when a job of theirs comes. The one that has been idle for longest
//! makes room for another.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc as thread_mpsc},
    time::Duration,
};

use ciro_api::{Manifest, ModelId, PoolName, rest::models::Model};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender},
        oneshot, watch,
    },
    time::{Instant, sleep_until},
};

use crate::{
    fetch_model::fetch_model,
    gateway::CallError,
    observe,
    retry::Backoff,
    run::{Bench, Onnx, Outcome, Task},
    work_loop::Workshop,
};

/// How often the catalogue is read again.
const REFRESH: Duration = Duration::from_secs(30);

/// A model ready to run.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) id: ModelId,
    pub(crate) manifest: Manifest,
    pub(crate) tasks: thread_mpsc::Sender<Task>,
    used: Mutex<Instant>,
}

impl Offered {
    pub(crate) fn new(id: ModelId, manifest: Manifest, tasks: thread_mpsc::Sender<Task>) -> Self {
        Self { id, manifest, tasks, used: Mutex::new(Instant::now()) }
    }

    /// Hands a job to the model's thread. The thread ends only with the model; a job that finds none lets its lease run out.
    pub(crate) fn run(&self, task: Task) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        observe::leased(&self.manifest.name);
        let _unheard = self.tasks.send(task);
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is on offer, as the lease loop watches it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offers {
    /// The pools to lease from, best first.
    pub(crate) pools: Vec<PoolName>,
    pub(crate) models: Vec<Arc<Offered>>,
}

impl Offers {
    pub(crate) fn find(&self, id: ModelId) -> Option<&Arc<Offered>> {
        self.models.iter().find(|offered| offered.id == id)
    }
}

/// Why a model cannot be run here.
#[derive(Clone, Debug)]
pub(crate) enum NoModel {
    /// Trying again may help.
    ForNow(String),
    /// It will not.
    ForGood(String),
}

/// A job came whose model is not loaded.
#[derive(Debug)]
pub(crate) struct Want {
    pub(crate) model: ModelId,
    /// The model, or why this worker cannot run it.
    pub(crate) answer: oneshot::Sender<Result<Arc<Offered>, NoModel>>,
}

/// Reads the catalogue and keeps the offer current.
pub(crate) struct Offering {
    pub(crate) shop: Arc<Workshop>,
    pub(crate) onnx: Option<Onnx>,
    pub(crate) cache_dir: PathBuf,
    pub(crate) outcomes: UnboundedSender<Outcome>,
    pub(crate) offers: watch::Sender<Offers>,
    /// The pools that this worker is to serve, best first.
    pub(crate) pools: Vec<PoolName>,
    /// Most models loaded at once: each holds a thread and its weights.
    pub(crate) models_max: usize,
}

/// Models that this worker will never run, and why.
type Refused = HashMap<ModelId, String>;

impl Offering {
    /// Never returns; the caller stops it by dropping the future.
    pub(crate) async fn keep_current(self, mut wants: UnboundedReceiver<Want>) {
        let mut refused = Refused::new();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let mut again = Instant::now();
        loop {
            tokio::select! {
                Some(Want { model, answer }) = wants.recv() => {
                    // Whoever asked may have lost its lease meanwhile.
                    let _unheard = answer.send(self.bring(model, &mut refused).await);
                }
                () = sleep_until(again) => {
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
                    again = Instant::now() + wait;
                }
            }
        }
    }

    /// Whether every model of our pools is now loaded, refused for good, or left for want of room.
    async fn refresh(&self, refused: &mut Refused) -> Result<bool, CallError> {
        let mut catalogue = self.shop.gateway.models().await?.data;
        catalogue.retain(|model| self.pools.contains(&model.pool));
        let listed = |id: ModelId| catalogue.iter().any(|model| model.id == id);
        refused.retain(|id, _| listed(*id));
        let mut models = self.offers.borrow().models.clone();
        models.retain(|offered| listed(offered.id));
        let mut complete = true;
        for model in &catalogue {
            let known = models.iter().any(|offered| offered.id == model.id);
            if known || refused.contains_key(&model.id) || models.len() >= self.models_max {
                continue;
            }
            match self.load(model.id, refused).await {
                Ok(offered) => models.push(offered),
                Err(_) => complete &= refused.contains_key(&model.id),
            }
        }
        let pools = self.served(&catalogue, &models, refused);
        // All at once: a long poll that began with the first pool would not ask for the others.
        self.offers.send_if_modified(|offers| {
            let same = |new: &[Arc<Offered>], old: &[Arc<Offered>]| {
                new.len() == old.len() && new.iter().zip(old).all(|(a, b)| Arc::ptr_eq(a, b))
            };
            let modified = offers.pools != pools || !same(&models, &offers.models);
            *offers = Offers { pools, models };
            modified
        });
        Ok(complete)
    }

    /// The pools of which this worker can run something, as far as it has tried. One that can run nothing of a pool would
    /// only spoil its jobs.
    fn served(
        &self,
        catalogue: &[Model],
        models: &[Arc<Offered>],
        refused: &Refused,
    ) -> Vec<PoolName> {
        let is_full = models.len() >= self.models_max;
        let serves = |pool: &&PoolName| {
            let mut of_pool = catalogue.iter().filter(|model| model.pool == **pool);
            of_pool.any(|model| {
                let is_untried = is_full && !refused.contains_key(&model.id);
                is_untried || models.iter().any(|offered| offered.id == model.id)
            })
        };
        self.pools.iter().filter(serves).cloned().collect()
    }

    /// The model, loaded now if it was not. Or why this worker cannot run it.
    async fn bring(&self, id: ModelId, refused: &mut Refused) -> Result<Arc<Offered>, NoModel> {
        if let Some(offered) = self.offers.borrow().find(id) {
            return Ok(Arc::clone(offered));
        }
        if let Some(reason) = refused.get(&id) {
            return Err(NoModel::ForGood(reason.clone()));
        }
        let offered = self.load(id, refused).await?;
        self.offers.send_modify(|offers| {
            make_room(&mut offers.models, self.models_max);
            offers.models.push(Arc::clone(&offered));
        });
        Ok(offered)
    }

    async fn load(&self, id: ModelId, refused: &mut Refused) -> Result<Arc<Offered>, NoModel> {
        let fetched =
            fetch_model(&self.shop.gateway, &self.cache_dir, self.onnx.as_ref(), id).await;
        let (manifest, program) = fetched.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%id, %error, cause, "model not loaded");
            if error.is_passing() {
                return NoModel::ForNow(error.to_string());
            }
            refused.insert(id, error.to_string());
            NoModel::ForGood(error.to_string())
        })?;
        let held = Arc::clone(&self.shop.held);
        let outcomes = self.outcomes.clone();
        let (called, scheme) = (manifest.name.clone(), manifest.scheme);
        let bench = Bench { model: id, name: called, scheme, program, held, outcomes };
        let tasks = bench.start().map_err(|error| {
            tracing::warn!(model = %manifest.name, %error, "cannot start the model's thread");
            NoModel::ForNow(error.to_string())
        })?;
        tracing::info!(model = %manifest.name, %id, "model loaded");
        Ok(Arc::new(Offered::new(id, manifest, tasks)))
    }
}

/// Lets go of those that have been idle for longest. Their threads end when what they have is done.
fn make_room(models: &mut Vec<Arc<Offered>>, models_max: usize) {
    while models.len() >= models_max.max(1) {
        let oldest = models.iter().enumerate().min_by_key(|(_, offered)| offered.used());
        let Some((place, _)) = oldest else { return };
        let gone = models.swap_remove(place);
        tracing::info!(model = %gone.manifest.name, "model unloaded: others need its room");
    }
}

#[cfg(test)]
mod tests;
