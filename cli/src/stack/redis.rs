//! The private Redis. It is a disposable index here (the rows in `PostgreSQL` rebuild it), so nothing of
//! it is kept on disk: a restart finds it empty, which is what a flush in production looks like too.
//! Never evicts: a key that went missing by itself would look like a job that nobody queued.

use std::path::Path;
use std::time::Duration;

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
        let (service, port) = on_port::start(ports, NAME, PATIENCE, spec, pong).await?;
        Ok(Self { service, url: format!("redis://:{}@127.0.0.1:{port}/", secret.reveal()) })
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
