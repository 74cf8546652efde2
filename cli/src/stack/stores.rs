//! `PostgreSQL` and Redis without a chain: for whoever tries the queue alone.
//! Never lets two holders onto one directory.

use std::path::{Path, PathBuf};

use super::lock::{self, StateLock};
use super::port::PortBook;
use super::postgres::Postgres;
use super::redis::Redis;
use super::secret::{self, Secret};
use super::{StackError, ToolPaths, state_dir};

/// A state directory that is ours as long as this lives: locked, with its password and its ports.
#[derive(Debug)]
pub struct Site {
    pub(super) state_dir: PathBuf,
    pub(super) ports: PortBook,
    secret: Secret,
    _lock: StateLock,
}

impl Site {
    pub(super) fn take(state_dir: &Path) -> Result<Self, StackError> {
        let state_dir = state_dir::prepare(state_dir)?;
        let lock = lock::acquire(&state_dir)?;
        let secret = secret::read_or_make(&state_dir)?;
        let ports = PortBook::open(&state_dir);
        Ok(Self { state_dir, ports, secret, _lock: lock })
    }

    pub(super) async fn start_servers(
        &self,
        tools: &ToolPaths,
    ) -> Result<(Postgres, Redis), StackError> {
        let Self { state_dir, ports, secret, .. } = self;
        tokio::try_join!(
            Postgres::start(&tools.postgres_bin_dir, state_dir, secret, ports),
            Redis::start(&tools.redis_server, state_dir, secret, ports),
        )
    }
}

/// Two servers that answer, and the lock that keeps others off their data.
#[derive(Debug)]
pub struct Stores {
    // Dropped in this order: whoever gets the lock next must not meet our servers.
    /// The index.
    pub redis: Redis,
    /// The truth.
    pub postgres: Postgres,
    /// Where they are.
    pub site: Site,
}

impl Stores {
    /// Takes the lock of `state_dir`, starts both servers and returns when each answers.
    pub async fn start(state_dir: &Path, tools: &ToolPaths) -> Result<Self, StackError> {
        let site = Site::take(state_dir)?;
        let servers = site.start_servers(tools).await?;
        Ok(Self::new(servers, site))
    }

    pub(super) fn new((postgres, redis): (Postgres, Redis), site: Site) -> Self {
        Self { redis, postgres, site }
    }

    /// Ends both and waits until each is gone, even when one of them fails to end.
    pub async fn stop(mut self) -> Result<(), StackError> {
        let redis = self.redis.service_mut().stop().await;
        let postgres = self.postgres.service_mut().stop().await;
        redis.and(postgres).map(drop)
    }
}
