//! The private Redis. It is a disposable index here (the rows in `PostgreSQL` rebuild it), so nothing of
//! it is kept on disk: a restart finds it empty, which is what a flush in production looks like too.
//! Never evicts: a key that went missing by itself would look like a job that nobody queued.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::port::PortBook;
use super::secret::Secret;
use super::service::{Service, ServiceSpec};
use super::{StackError, on_port, probe, state_dir};

const NAME: &str = "redis";
/// It starts in milliseconds; a loaded machine gets this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Redis that answers.
#[derive(Debug)]
pub struct Redis {
    service: Service,
    spec: Box<ServiceSpec>,
    port: u16,
    secret: Secret,
    dir: PathBuf,
    url: String,
}

impl Redis {
    /// Starts it and waits for its PONG.
    pub(super) async fn start(
        program: &Path,
        state_dir: &Path,
        secret: &Secret,
        ports: &PortBook,
    ) -> Result<Self, StackError> {
        let dir = state_dir.join(NAME);
        state_dir::make_private(&dir)?;
        let config = dir.join("redis.conf");
        // In a file, because every user of the machine can read a command line.
        let requirepass = format!("requirepass {}\n", secret.reveal());
        state_dir::write_private(&config, requirepass.as_bytes())?;
        let spec = |port: u16| {
            ServiceSpec::new(NAME, program, state_dir::log_path(state_dir, NAME))
                .args([config.as_os_str(), "--dir".as_ref(), dir.as_os_str()])
                .args(["--port", &port.to_string()])
                .args(["--bind", "127.0.0.1", "--daemonize", "no"])
                .args(["--save", "", "--appendonly", "no"])
                .args(["--maxmemory-policy", "noeviction"])
        };
        let pong = |port| probe::redis_pong(port, secret.reveal());
        let (service, spec, port) = on_port::start(ports, NAME, PATIENCE, spec, pong).await?;
        let url = format!("redis://:{}@127.0.0.1:{port}/", secret.reveal());
        Ok(Self { service, spec: Box::new(spec), port, secret: secret.clone(), dir, url })
    }

    /// Kills it; what it has in memory is gone.
    pub async fn kill(&mut self) -> Result<(), StackError> {
        self.service.signal(Signal::SIGKILL)?;
        self.service.stop().await.map(drop)
    }

    /// Starts it again on the same port after it ended, with what [`Redis::dump_path`] holds, if anything.
    pub async fn start_again(&mut self) -> Result<(), StackError> {
        self.service = Service::spawn(ServiceSpec::clone(&self.spec)).await?;
        let (port, password) = (self.port, self.secret.reveal());
        self.service.wait_ready(PATIENCE, || probe::redis_pong(port, password)).await
    }

    /// Where `SAVE` puts the data, and where a start looks for it. Nothing is there unless somebody saves.
    pub fn dump_path(&self) -> PathBuf {
        self.dir.join("dump.rdb")
    }

    /// Where it listens, with its password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn service_mut(&mut self) -> &mut Service {
        &mut self.service
    }
}
