//! The process: watches the chain, closes and settles statements, answers for its health. The only one that
//! holds the operator's key.

mod asking;
mod collecting;
mod http;
mod loops;
mod relaying;
mod rpc;
mod signing_desk;

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use ciro_api::Address;
use ciro_contracts::{Chain, Deployment, JobManager, KeyedAccount, PrivateKey, SignerError};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    MigrateError, end_standstills,
    health::Board,
    listen::{ListenError, listen_on},
    migrate, observe,
    settle::Settler,
    statements::Signer,
    watch::{WatchError, Watcher},
};

pub use collecting::CollectError;
pub use relaying::{Float, RelayerKeys, Relaying};
use signing_desk::SigningDesk;
pub use signing_desk::SigningError;

/// One connection for each loop, which keeps it, and some for health.
const CONNECTIONS: usize = 6;

/// Everything that the process is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the ledger is.
    pub database: tokio_postgres::Config,
    /// The Starknet nodes, in the order in which they are liked.
    pub rpc_urls: Vec<Url>,
    /// How long they may take to answer, all together.
    pub rpc_timeout: Duration,
    /// The contracts.
    pub deployment: Deployment,
    /// The account that settles, and whose allowances count.
    pub operator: Address,
    /// Its key: signs for the account, and signs statements.
    pub operator_key: PrivateKey,
    /// Where to answer; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Gets the address that we listen on, once we do.
    pub ready_file: Option<PathBuf>,
    /// How the process is watched.
    pub telemetry: ciro_telemetry::Flags,
    /// How long a receipt waits at most for its statement to close.
    pub statement_period: Duration,
    /// How often receipts are looked at.
    pub close_interval: Duration,
    /// How often the chain is asked for news.
    pub watch_interval: Duration,
    /// How often countersigned statements are looked for.
    pub settle_interval: Duration,
    /// What it takes to relay, where that is done here.
    pub relaying: Option<Relaying>,
}

/// A process that could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No connection to the database.
    #[error("could not connect to the database")]
    Connect(#[source] deadpool_postgres::PoolError),
    /// The pool could not be made.
    #[error("could not set up database connections")]
    Pool(#[source] deadpool_postgres::BuildError),
    /// The schema is not current.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database is of another deployment.
    #[error("could not begin to mirror the chain")]
    Begin(#[source] Box<WatchError>),
    /// What we would sign is worth nothing, or nobody knows.
    #[error("could not begin to sign statements")]
    Sign(#[source] Box<SigningError>),
    /// The address is taken or not ours, or the ready file cannot be written.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The listener of the metrics.
    #[error("metrics cannot be had")]
    Metrics(#[from] ciro_telemetry::ListenError),
    /// There is no contract to relay through.
    #[error(
        "the deployment file names no forwarder, so nothing can be relayed; deploy one or start without relayers"
    )]
    NoForwarder,
    /// Limits that let nobody in.
    #[error("the limits of requests are not possible")]
    Admission(#[from] crate::admission::SettingsError),
    /// The process that holds the relayers' keys.
    #[error("could not learn for which accounts the signer signs")]
    Signer(#[from] SignerError),
    /// Devices that cannot be told apart.
    #[error("CIRO_DEVICE_JWKS_URL cannot be used")]
    Devices(#[from] crate::devices::IssuerError),
    /// What would ask sponsors' servers.
    #[error("sponsors' servers cannot be asked")]
    Asking(#[from] ciro_egress::ClientError),
    /// What would ask for prices.
    #[error(transparent)]
    Prices(#[from] crate::prices::FollowerError),
    /// Nobody to relay.
    #[error("relaying takes at least one relayer")]
    NoRelayer,
    /// The server ended.
    #[error("the health server failed")]
    Serve(#[source] io::Error),
}

/// Runs until `stop` is cancelled. What is under way is finished or left so that the next run takes it up.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), ServiceError> {
    let pool = connections(&config, CONNECTIONS)?;
    let mut client = pool.get().await.map_err(ServiceError::Connect)?;
    migrate(&mut client).await?;
    let chain = Chain::among(&config.rpc_urls, config.deployment.chain_id, config.rpc_timeout);
    let watcher = Watcher::new(chain.clone(), config.deployment, config.operator);
    watcher.begin(&client).await.map_err(|e| ServiceError::Begin(Box::new(e)))?;
    let signer =
        Signer::new(config.operator, config.operator_key.clone(), config.deployment.chain_id);
    let manager = JobManager { address: config.deployment.job_manager };
    let mut desk = SigningDesk::new(chain.clone(), manager, signer);
    match desk.confirm(&client).await {
        // Without a chain receipts still close; only signing waits until it has answered.
        Err(error) if error.is_chain_away() => tracing::warn!(%error, "signing has to wait"),
        confirmed => confirmed.map_err(|e| ServiceError::Sign(Box::new(e)))?,
    }
    drop(client);
    let account = KeyedAccount::new(chain.clone(), config.operator, &config.operator_key);
    let settler = Settler::new(account, config.deployment.job_manager);
    let board = Board::default();
    let listener = listen(&config).await?;
    let halted = CancellationToken::new();
    let measured =
        ciro_telemetry::listen(&config.telemetry, &observe::FAMILIES, stop.clone()).await?;
    let relaying = relaying::begin(&config, &chain).await?;
    let (served, relayed, (), (), (), ()) = tokio::join!(
        http::serve(listener, pool.clone(), board.clone(), config.operator, stop.clone()),
        relaying::run(relaying, &board, &stop),
        loops::watch(&config, &pool, watcher, &board, &halted, &stop),
        loops::close(&config, &pool, desk, &board, &stop),
        loops::settle(&config, &pool, settler, &board, &halted, &stop),
        loops::measure(measured, &config, &pool, &chain, &stop),
    );
    tracing::info!("stopped");
    served.and(relayed).map_err(ServiceError::Serve)
}

fn connections(config: &Config, most: usize) -> Result<Pool, ServiceError> {
    // A connection that was left in the middle of something is closed, not given to the next.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let mut database = config.database.clone();
    end_standstills(&mut database);
    let manager = Manager::from_config(database, NoTls, recycling);
    Pool::builder(manager)
        .max_size(most)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(ServiceError::Pool)
}

async fn listen(config: &Config) -> Result<TcpListener, ServiceError> {
    let listener = listen_on(config.listen, config.ready_file.as_deref()).await?;
    tracing::info!(operator = %config.operator, "health can be asked");
    Ok(listener)
}
