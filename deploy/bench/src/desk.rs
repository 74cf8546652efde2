//! One gateway with a private `PostgreSQL` (fsync on, as it comes) and a private Redis, in a directory of its own.
//! Started empty for each part of a run, so that no part meets what another left behind.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::Context;
use ciro::{
    demo::{client::Gateway, device::Device},
    stack::{
        Stores, ToolPaths,
        port::free_port,
        service::{Service, ServiceSpec},
    },
};
use ciro_api::{Address, Felt, limits};
use tokio::net::TcpStream;

use crate::{
    fill::{self, Filled},
    worker::{Worker, WorkerKey},
};

/// The contract that attestations are for. Nobody deploys it: no chain takes part.
pub(crate) const JOB_MANAGER: Address = Address(Felt::from_hex_unchecked("0x10b"));
/// `SN_BENCH` as a felt.
pub(crate) const CHAIN_ID: &str = "0x534e5f42454e4348";
/// What every token and assertion names.
pub(crate) const ISSUER: &str = "ciro-bench";

/// Long enough for a machine that compiles beside us.
const PATIENCE: Duration = Duration::from_secs(30);

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A desk that serves.
pub(crate) struct Desk {
    pub(crate) gateway: SocketAddr,
    pub(crate) service: Service,
    pub(crate) stores: Stores,
    pub(crate) filled: Filled,
    dir: PathBuf,
}

/// A directory for the data of one part of a run.
pub(crate) fn fresh_dir(name: &str) -> PathBuf {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("ciro-bench-{}-{number}-{name}", std::process::id()))
}

impl Desk {
    /// Starts all three and fills the database.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = fresh_dir("desk");
        let stores = Stores::start(&dir, &ToolPaths::find()?).await?;
        let filled = fill::fill(stores.postgres.url()).await?;
        let token_key = dir.join("token-key.pem");
        write_private(&token_key, &ciro_gateway::auth::key_file::fresh()?)?;
        let secret = dir.join("gateway-secret");
        write_private(&secret, &ciro_gateway::auth::secret::Secret::generate())?;
        let gateway = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        // Quotas are counted, and never reached.
        let quota = limits::QUOTA_MAX.to_string();
        let spec = Self::spec(&dir, "ciro-gateway")?
            .env("CIRO_GATEWAY_LISTEN", gateway.to_string())
            .env("DATABASE_URL", stores.postgres.url())
            .env("REDIS_URL", stores.redis.url())
            .env("CIRO_ISSUER", ISSUER)
            .env("CIRO_TOKEN_KEY_FILE", &token_key)
            .env("CIRO_SECRET_FILE", &secret)
            .env("CIRO_CHAIN_ID", CHAIN_ID)
            .env("CIRO_JOB_MANAGER", JOB_MANAGER.to_string())
            .env("CIRO_DEVICE_REQUESTS_PER_MINUTE", &quota)
            .env("CIRO_SPONSOR_REQUESTS_PER_MINUTE", &quota);
        let mut service = Service::spawn(spec).await?;
        let listens = || async move {
            TcpStream::connect(gateway).await.map(drop).map_err(|e| e.to_string())
        };
        service.wait_ready(PATIENCE, listens).await?;
        Ok(Self { gateway, service, stores, filled, dir })
    }

    /// A program of the same build, to be run beside the desk.
    pub(crate) fn spec(dir: &Path, program: &str) -> anyhow::Result<ServiceSpec> {
        let here = std::env::current_exe().context("finding our own program")?;
        let path = here.with_file_name(program);
        anyhow::ensure!(path.exists(), "{} is not there; build the workspace", path.display());
        Ok(ServiceSpec::new(program, path, dir.join("log").join(format!("{program}.log"))))
    }

    /// Where its data and logs are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Enrols devices, spread evenly over the sponsors or all below the first one; returns their tokens.
    pub(crate) async fn devices(
        &self,
        count: usize,
        sponsors: usize,
    ) -> anyhow::Result<Vec<String>> {
        let gateway = Gateway::new(&format!("http://{}", self.gateway))?;
        let mut tokens = Vec::with_capacity(count);
        for claim_token in self.filled.claim_tokens[..sponsors].iter().cycle().take(count) {
            tokens.push(Device::claim(&gateway, ISSUER, claim_token).await?.token);
        }
        Ok(tokens)
    }

    /// Lines of workers, spread evenly over `workers` of them.
    pub(crate) async fn workers(
        &self,
        lines: usize,
        workers: usize,
    ) -> anyhow::Result<Vec<Worker>> {
        let mut sessions = Vec::new();
        for number in 0..workers.min(fill::WORKERS) {
            let key = WorkerKey::of(number);
            let token = key.log_in(self.gateway).await?;
            sessions.push((key, token));
        }
        let mut open = Vec::with_capacity(lines);
        for (key, token) in sessions.iter().cycle().take(lines) {
            open.push(Worker::open(self.gateway, key, token).await?);
        }
        Ok(open)
    }

    /// Ends everything and forgets it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.service.stop().await?;
        self.stores.stop().await?;
        fs::remove_dir_all(&self.dir).with_context(|| format!("removing {}", self.dir.display()))
    }
}

/// Writes what only we may read.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("closing {}", path.display()))
}
