//! The worker as a whole: what it shares, what runs side by side, how it starts and how it drains.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ciro_api::{Drain, PoolName, PublicKey};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    attest::attest_loop,
    config::Config,
    countersign::countersign_loop,
    gateway::{CallError, Gateway},
    journal::{Journal, Record},
    keep_lease::{Held, keep_leases, release_unsigned},
    lease::lease_loop,
    observe::{self, Unanswered},
    offer::{Offering, Offers},
    operator::Operator,
    retry::Backoff,
    run::Onnx,
    sign::{Identity, Signer},
    statements::{StatementDir, follow_loop},
    submit::submit,
};

/// How long a worker that was told to stop may take to hand in what it has.
const DRAIN: Duration = Duration::from_secs(10);

/// How much longer it may take to give back what it has not.
const RELEASE: Duration = Duration::from_secs(1);

/// Why a worker does not start. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(Box<dyn std::error::Error + Send + Sync>);

impl StartError {
    fn of(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// What all parts of the worker share.
pub(crate) struct Workshop {
    pub(crate) gateway: Gateway,
    pub(crate) signer: Signer,
    pub(crate) operator: Operator,
    pub(crate) statements: StatementDir,
    pub(crate) held: Arc<Held>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) unanswered: Unanswered,
    /// Submissions and reports under way.
    sending: TaskTracker,
    /// Ends everything, handed in or not.
    halt: CancellationToken,
    /// Fires when the operator of the network wants this worker to go.
    dismissed: CancellationToken,
    journal: Mutex<Journal>,
    disk_failed: AtomicBool,
}

impl Workshop {
    /// Uses the journal where blocking on the disk harms nobody.
    pub(crate) async fn with_journal<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Journal) -> T + Send + 'static,
    ) -> T {
        let shop = Arc::clone(self);
        let work = move || work(&mut shop.journal());
        match tokio::task::spawn_blocking(work).await {
            Ok(value) => value,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Lets a call to the gateway take its time without holding anything up.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        let halt = self.halt.clone();
        self.sending.spawn(async move {
            let _stopped = halt.run_until_cancelled(work).await;
        });
    }

    /// Does what the operator of the network wants. One that is to be quiet is given nothing, so there is nothing to do.
    pub(crate) fn obey(&self, drain: Drain) {
        if drain == Drain::Terminate && !self.dismissed.is_cancelled() {
            tracing::info!("the operator wants this worker to end");
            self.dismissed.cancel();
        }
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers whether the last write reached the disk: while it did not, no work is taken.
    pub(crate) fn note_disk<T, E>(&self, written: &Result<T, E>) {
        let failed = written.is_err();
        if self.disk_failed.swap(failed, Ordering::Relaxed) != failed {
            tracing::warn!(failed, "the journal's disk changed its mind");
        }
    }

    /// Whether new work may be leased; else why not.
    pub(crate) async fn may_take_work(self: &Arc<Self>) -> Result<(), String> {
        if self.disk_failed.load(Ordering::Relaxed) {
            // A record without effect, to see whether the disk takes one again.
            let probe = |journal: &mut Journal| {
                let number = journal.ledger().next_batch();
                journal.append(Record::NextBatch { number })
            };
            let probed = self.with_journal(probe).await;
            self.note_disk(&probed);
            probed.map_err(|error| with_cause(&error))?;
        }
        let overdue = self.with_journal(|journal| journal.ledger().overdue()).await;
        let overdue = overdue.or_else(|| self.statements.overdue());
        overdue.map_or(Ok(()), |reason| Err(reason.to_owned()))
    }
}

/// An error and what caused it, in one line.
pub(crate) fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// A worker that has its key, its journal and its runtime, and has not spoken to anyone yet.
pub struct Worker {
    shop: Arc<Workshop>,
    slots: u16,
    pools: Vec<PoolName>,
    models_max: usize,
    onnx: Option<Onnx>,
    cache_dir: PathBuf,
    ready: watch::Sender<bool>,
}

impl Worker {
    /// Reads the key, opens the journal and loads ONNX Runtime. Speaks to nobody.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let prepare = move || Self::prepare(&config);
        tokio::task::spawn_blocking(prepare).await.map_err(StartError::of)?
    }

    fn prepare(config: &Config) -> Result<Self, StartError> {
        let identity = Identity {
            chain_id: config.chain_id,
            contract: config.job_manager,
            worker: config.worker_address,
        };
        let signer =
            Signer::from_file(&config.worker_key_file, identity).map_err(StartError::of)?;
        let journal = Journal::open(&config.state_dir, identity).map_err(StartError::of)?;
        let statements =
            StatementDir::open(&config.state_dir, &identity).map_err(StartError::of)?;
        let operator =
            Operator { address: config.operator_address, key: config.operator_public_key };
        let (unpaid, unpaid_fri) = journal.ledger().unpaid();
        let unanswered = journal.ledger().unanswered_batches().len();
        tracing::info!(unanswered, unpaid, %unpaid_fri, "journal open");
        let onnx = config.onnxruntime_lib.as_deref().map(Onnx::load).transpose();
        let onnx = onnx.map_err(StartError::of)?;
        let gateway = Gateway::new(&config.gateway_url, signer.clone()).map_err(StartError::of)?;
        let shop = Workshop {
            gateway,
            signer,
            operator,
            statements,
            held: Arc::new(Held::default()),
            slots: Arc::new(Semaphore::new(usize::from(config.slots))),
            unanswered: Unanswered::default(),
            sending: TaskTracker::new(),
            halt: CancellationToken::new(),
            dismissed: CancellationToken::new(),
            journal: Mutex::new(journal),
            disk_failed: AtomicBool::new(false),
        };
        Ok(Self {
            shop: Arc::new(shop),
            slots: config.slots,
            pools: config.pools.clone(),
            models_max: usize::from(config.models_max),
            onnx,
            cache_dir: config.state_dir.join("models"),
            ready: watch::Sender::new(false),
        })
    }

    /// The public key that must be registered for the worker's address.
    pub fn public_key(&self) -> PublicKey {
        self.shop.signer.public_key()
    }

    /// Turns true once the worker is logged in and serves a pool.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Works until `shutdown`, or until the operator dismisses it, then hands in what it has, for at most ten seconds. What cannot be handed in stays in
    /// the journal. Fails only when the gateway is of another network.
    pub async fn run_until(self, shutdown: CancellationToken) -> Result<(), StartError> {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            entered = self.enter() => entered?,
        }
        let halt = self.shop.halt.clone();
        let loops = TaskTracker::new();
        let until = |token: &CancellationToken, work: BoxedLoop| {
            let token = token.clone();
            loops.spawn(async move {
                // `None` is being stopped, which is how every loop ends.
                let _stopped = token.run_until_cancelled(work).await;
            });
        };
        let (outcomes, finished) = mpsc::unbounded_channel();
        let (offers, offered) = watch::channel(Offers::default());
        let (wants, wanted) = mpsc::unbounded_channel();
        let offering = Offering {
            shop: Arc::clone(&self.shop),
            onnx: self.onnx,
            cache_dir: self.cache_dir,
            outcomes,
            offers,
            pools: self.pools,
            models_max: self.models_max,
        };
        let shop = &self.shop;
        until(&halt, Box::pin(keep_leases(Arc::clone(shop))));
        until(&halt, Box::pin(measure(Arc::clone(shop))));
        until(&halt, Box::pin(attest_loop(Arc::clone(shop), finished)));
        until(&halt, Box::pin(offering.keep_current(wanted)));
        until(&shutdown, Box::pin(countersign_loop(Arc::clone(shop))));
        until(&shutdown, Box::pin(follow_loop(Arc::clone(shop))));
        until(&shutdown, Box::pin(announce(offered.clone(), self.ready)));
        until(&shutdown, Box::pin(lease_loop(Arc::clone(shop), offered, wants)));
        loops.close();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = shop.dismissed.cancelled() => shutdown.cancel(),
        }
        drain(shop, self.slots).await;
        halt.cancel();
        loops.wait().await;
        shop.sending.wait().await;
        Ok(())
    }

    /// Logs in, however long the gateway takes to come up, and sends again what it left unanswered.
    async fn enter(&self) -> Result<(), StartError> {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10));
        loop {
            match self.shop.gateway.log_in().await {
                Ok(()) => break,
                Err(error @ CallError::OtherNetwork(_)) => return Err(StartError::of(error)),
                Err(error) => {
                    tracing::warn!(%error, "cannot log in yet");
                    tokio::time::sleep(backoff.next(error.retry_after())).await;
                }
            }
        }
        for batch in self.shop.journal().ledger().unanswered_batches() {
            tracing::info!(batch = batch.number, results = batch.results.len(), "submitting again");
            self.shop.in_background(submit(Arc::clone(&self.shop), batch));
        }
        Ok(())
    }
}

/// Measures what is not counted as it happens.
async fn measure(shop: Arc<Workshop>) {
    loop {
        shop.unanswered.measure(shop.slots.available_permits());
        tokio::time::sleep(observe::PERIOD).await;
    }
}

type BoxedLoop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

async fn announce(mut offered: watch::Receiver<Offers>, ready: watch::Sender<bool>) {
    if offered.wait_for(|offers| !offers.pools.is_empty()).await.is_ok() {
        tracing::info!("ready");
        ready.send_replace(true);
    }
}

async fn drain(shop: &Arc<Workshop>, slots: u16) {
    let deadline = Instant::now() + DRAIN;
    tracing::info!("draining: no more leases; finishing what runs");
    let all = shop.slots.acquire_many(u32::from(slots));
    if timeout_at(deadline, all).await.is_err() {
        tracing::warn!("some jobs did not finish in time");
    }
    if timeout_at(deadline + RELEASE, release_unsigned(Arc::clone(shop))).await.is_err() {
        tracing::warn!("some leases are not given back; they run out");
    }
    shop.sending.close();
    if timeout_at(deadline, shop.sending.wait()).await.is_err() {
        let open = shop.journal().ledger().unanswered_batches().len();
        tracing::warn!(
            open,
            "some results are not handed in; they are in the journal for the next start"
        );
    }
}
