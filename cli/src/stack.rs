//! The private servers of a development stack: `PostgreSQL`, Redis and a Starknet devnet, as children of
//! this process, on free ports, with all they write below one state directory.
//! Never touches a server that it did not start, and never outlives the process that holds it.
//!
//! [`Stack::start`] a second time on the same directory finds the same rows and the same chain.

pub mod devnet;
mod error;
pub mod lock;
mod log_tail;
mod on_port;
pub mod port;
pub mod postgres;
pub mod probe;
pub mod redis;
mod run_as;
mod secret;
pub mod service;
mod spawn;
mod state_dir;
mod stores;
mod tools;

use std::path::{Path, PathBuf};

use self::devnet::{Devnet, DevnetOptions};
use self::postgres::Postgres;
use self::redis::Redis;

pub use self::error::StackError;
pub use self::run_as::RunAs;
pub use self::stores::{Site, Stores};
pub use self::tools::ToolPaths;

/// What a stack is started from.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Where data, logs, ports and the lock live; made when missing. `.ciro/` for people, a fresh
    /// directory for tests.
    pub state_dir: PathBuf,
    /// The servers' programs.
    pub tools: ToolPaths,
    /// How the chain is set up the first time; later starts must say the same.
    pub devnet: DevnetOptions,
}

impl StackConfig {
    /// The usual chain, in `state_dir`.
    pub fn new(state_dir: impl Into<PathBuf>, tools: ToolPaths) -> Self {
        Self { state_dir: state_dir.into(), tools, devnet: DevnetOptions::default() }
    }
}

/// Three servers that answer, and the lock that keeps others off their data.
#[derive(Debug)]
pub struct Stack {
    // Dropped in this order: whoever gets the lock next must not meet our servers.
    devnet: Devnet,
    stores: Stores,
}

impl Stack {
    /// Takes the state directory's lock, starts the three servers at once and returns when each answers.
    /// On an error, whatever had been started is ended.
    pub async fn start(config: StackConfig) -> Result<Self, StackError> {
        let site = Site::take(&config.state_dir)?;
        let (devnet, servers) = tokio::try_join!(
            Devnet::start(
                &config.tools.starknet_devnet,
                &site.state_dir,
                &config.devnet,
                &site.ports
            ),
            site.start_servers(&config.tools),
        )?;
        Ok(Self { devnet, stores: Stores::new(servers, site) })
    }

    /// Ends the servers in the reverse order of their importance and waits until each is gone.
    /// All three are asked to end even when one of them fails to.
    pub async fn stop(mut self) -> Result<(), StackError> {
        let devnet = self.devnet.service_mut().stop().await;
        let stores = self.stores.stop().await;
        devnet.map(drop).and(stores)
    }

    /// The database `ciro`, with its password.
    pub fn database_url(&self) -> &str {
        self.stores.postgres.url()
    }

    /// The Redis server, with its password.
    pub fn redis_url(&self) -> &str {
        self.stores.redis.url()
    }

    /// The chain's JSON-RPC.
    pub fn rpc_url(&self) -> &str {
        self.devnet.rpc_url()
    }

    /// The absolute path of the state directory.
    pub fn state_dir(&self) -> &Path {
        &self.stores.site.state_dir
    }

    /// The database server, to signal or to watch.
    pub fn postgres_mut(&mut self) -> &mut Postgres {
        &mut self.stores.postgres
    }

    /// The Redis server, to signal or to watch.
    pub fn redis_mut(&mut self) -> &mut Redis {
        &mut self.stores.redis
    }

    /// The chain, to signal or to watch.
    pub fn devnet_mut(&mut self) -> &mut Devnet {
        &mut self.devnet
    }

    /// Fails with the name and the last words of a server that has ended by itself; `Ok` while all run.
    pub fn check(&mut self) -> Result<(), StackError> {
        self.stores.postgres.service_mut().check()?;
        self.stores.redis.service_mut().check()?;
        self.devnet.service_mut().check()
    }
}
