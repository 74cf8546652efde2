//! The composition root: what all use cases share, and the life of the process.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ciro_api::{Address, ChainId};
use ciro_egress::{Authorities, ClientError, Poster, TrustError};
use deadpool_postgres::Pool;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic_health::server::HealthReporter;

use crate::{
    auth::{
        keys::{self, KeyError, TokenKeys},
        revoked::Revocations,
        secret::{Secret, SecretError},
    },
    config::Config,
    database::{self, DatabaseError},
    events::seats::Seats,
    failpoint::Failpoints,
    grpc,
    jobs::accept_many::Wanted,
    leases::{grant::Grant, lookout, reconcile, sweep},
    limiter::{Limiter, Quotas},
    models::Catalogue,
    observe,
    pools::notes::{self, Notes},
    queue::{Queue, QueueError},
    results::store::Batch,
    stack,
    together::Line,
    wake::Wake,
    webhooks::{Courier, deliver},
    workers::drain::Drains,
};

/// What receivers of webhooks are told that we are.
const USER_AGENT: &str = concat!("ciro-gateway/", env!("CARGO_PKG_VERSION"));

/// How long open requests may take to end once the process was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// What every handler sees.
pub struct App {
    pub(crate) pg: Pool,
    pub(crate) queue: Queue,
    pub(crate) keys: TokenKeys,
    pub(crate) secret: Secret,
    pub(crate) revocations: Revocations,
    pub(crate) drains: Drains,
    pub(crate) limiter: Limiter,
    pub(crate) accepts: Line<Wanted>,
    pub(crate) grants: Line<Grant>,
    pub(crate) results: Line<Batch>,
    /// Who grants without the index.
    pub(crate) direct: Semaphore,
    pub(crate) wake: Wake,
    pub(crate) events: Seats,
    pub(crate) pools: Notes,
    pub(crate) catalogue: Catalogue,
    pub(crate) chain_id: ChainId,
    pub(crate) job_manager: Address,
    pub(crate) failpoints: Failpoints,
    /// What gRPC's health service tells.
    pub(crate) health: HealthReporter,
    pub(crate) courier: Courier,
    /// Whether webhooks may go to addresses that are not of the public internet.
    pub(crate) webhook_allow_private: bool,
    /// Long polls end when this fires, or they would hold up the shutdown.
    pub(crate) stop: CancellationToken,
}

/// The gateway could not start or broke.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The token key.
    #[error("the token key cannot be used")]
    Key(#[from] KeyError),
    /// The gateways' secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database.
    #[error("the database cannot be used")]
    Database(#[from] DatabaseError),
    /// Redis.
    #[error("the Redis URL cannot be used")]
    Queue(#[from] QueueError),
    /// The limiter's Redis.
    #[error("the Redis URL cannot be used")]
    Limiter(#[source] redis::RedisError),
    /// What sends webhooks.
    #[error("webhooks cannot be sent")]
    Webhooks(#[from] ClientError),
    /// Whom it should trust.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The listener of the metrics.
    #[error("metrics cannot be had")]
    Metrics(#[from] ciro_telemetry::ListenError),
    /// The socket.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// What reflection serves.
    #[error("the descriptors of the gRPC services cannot be read")]
    Descriptors(#[source] tonic_reflection::server::Error),
    /// The ready file.
    #[error("cannot write the ready file")]
    ReadyFile(#[source] std::io::Error),
    /// Serving ended badly.
    #[error("serving failed")]
    Serve(#[source] std::io::Error),
}

/// Runs a gateway until `stop`.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), GatewayError> {
    if config.migrate {
        database::migrate_at(&config.database_url).await?;
    }
    let app = Arc::new(open(&config, stop.clone())?);
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|e| GatewayError::Listen(config.listen, e))?;
    let address = listener.local_addr().map_err(|e| GatewayError::Listen(config.listen, e))?;

    let service = stack::service(Arc::clone(&app)).map_err(GatewayError::Descriptors)?;
    let tasks = TaskTracker::new();
    tasks.spawn(app.wake.clone().relay(app.queue.client().clone(), stop.clone()));
    tasks.spawn(sweep::forever(Arc::clone(&app), stop.clone()));
    tasks.spawn(lookout::forever(Arc::clone(&app), stop.clone()));
    tasks.spawn(reconcile::forever(Arc::clone(&app), stop.clone()));
    tasks.spawn(keys::forever(Arc::clone(&app), stop.clone()));
    tasks.spawn(notes::forever(Arc::clone(&app), stop.clone()));
    tasks.spawn(grpc::health::forever(Arc::clone(&app), stop.clone()));
    tasks.spawn(deliver::forever(Arc::clone(&app), stop.clone()));
    if ciro_telemetry::listen(&config.telemetry, &observe::FAMILIES, stop.clone()).await? {
        tasks.spawn(observe::forever(Arc::clone(&app), stop.clone()));
    }

    if let Some(path) = &config.ready_file {
        write_whole(path, &format!("http://{address}")).map_err(GatewayError::ReadyFile)?;
    }
    tracing::info!(%address, "listening");
    let serving = axum::serve(listener, service).with_graceful_shutdown({
        let stop = stop.clone();
        async move { stop.cancelled().await }
    });
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.map_err(GatewayError::Serve)?,
        // A connection that never ends must not keep a stopped replica alive.
        () = drained => tracing::warn!("open connections were cut after the drain time"),
    }
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// What all use cases share, before anything is served.
fn open(config: &Config, stop: CancellationToken) -> Result<App, GatewayError> {
    let pg = database::pool(&config.database_url, config.database_connections_max)?;
    let quotas = Quotas {
        device: config.device_requests_per_minute,
        sponsor: config.sponsor_requests_per_minute,
        claim_token: config.claims_per_minute,
        unknown_claim_token: config.unknown_claims_per_minute,
    };
    let authorities = config.webhook_ca_file.as_deref().map(Authorities::read).transpose()?;
    let poster =
        Poster::new(USER_AGENT, config.webhook_allow_private, authorities.unwrap_or_default())?;
    let first_retry = Duration::from_millis(config.webhook_first_retry_ms);
    Ok(App {
        queue: Queue::new(&config.redis_url)?,
        keys: TokenKeys::read(&config.token_key_file, &config.issuer)?,
        secret: Secret::read(&config.secret_file)?,
        revocations: Revocations::default(),
        drains: Drains::default(),
        limiter: Limiter::new(&config.redis_url, quotas).map_err(GatewayError::Limiter)?,
        accepts: Line::default(),
        grants: Line::default(),
        results: Line::default(),
        direct: Semaphore::new(1),
        wake: Wake::default(),
        events: Seats::default(),
        pools: Notes::default(),
        catalogue: Catalogue::default(),
        chain_id: config.chain_id,
        job_manager: config.job_manager,
        failpoints: config.failpoints(),
        health: HealthReporter::new(),
        courier: Courier::new(poster, first_retry),
        webhook_allow_private: config.webhook_allow_private,
        stop,
        pg,
    })
}

/// A reader never sees half a file.
fn write_whole(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(partial, path)
}
