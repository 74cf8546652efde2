//! Free ports on the loopback interface, the same ones again where possible.
//! Never reserves: between the pick and the server's bind somebody else may take the port, so a server
//! that finds its port taken is started once more on another.

use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use tokio::time::{Instant, sleep};

use super::{StackError, state_dir};

/// Below 32768, where Linux takes the ports of outgoing connections from: a port that is free there can
/// be gone a microsecond later because some client dialled out. Above the well-known ones.
const QUIET_PORTS: Range<u16> = 20_000..32_000;
/// With nine tenths of the quiet ports taken, the chance to miss this often is 1 in 10,000.
const TRIES: usize = 100;
/// The kernel takes a killed process apart within this, also on a busy machine.
const LAST_BREATH: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

/// What this process has handed out, so that two servers started at once do not meet.
static HANDED_OUT: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A port that nobody listens on at 127.0.0.1 and that this process has not been given before.
pub fn free_port() -> io::Result<u16> {
    let mut taken = HANDED_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..TRIES {
        let port = rand::random_range(QUIET_PORTS);
        if !taken.contains(&port) && is_free(port) {
            taken.insert(port);
            return Ok(port);
        }
    }
    // Better a port that may be lost again than none.
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|addr| addr.port())
}

/// Whether a server could listen on 127.0.0.1 at this port now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The ports of the last run, so that URLs in a person's shell stay true.
#[derive(Debug)]
pub(super) struct PortBook {
    path: PathBuf,
    ports: Mutex<BTreeMap<String, u16>>,
}

impl PortBook {
    /// What the last run wrote; a missing or broken file only means new ports.
    pub(super) fn open(state_dir: &Path) -> Self {
        let path = state_dir.join("ports.json");
        let ports = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { path, ports: Mutex::new(ports) }
    }

    /// The service's port of the last run when it is free, else a new one, written down.
    pub(super) async fn pick(&self, service: &str) -> Result<u16, StackError> {
        let last = self.lock().get(service).copied();
        if let Some(port) = last
            && comes_free(port).await
        {
            return Ok(port);
        }
        let port = free_port().map_err(StackError::file("find a free port for", service))?;
        let mut ports = self.lock();
        ports.insert(service.to_owned(), port);
        let text = serde_json::json!(*ports).to_string();
        state_dir::write_private(&self.path, text.as_bytes())?;
        Ok(port)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u16>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A start right after a crash meets the old server on its last breath: its port is worth a moment.
async fn comes_free(port: u16) -> bool {
    let deadline = Instant::now() + LAST_BREATH;
    while !is_free(port) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(PAUSE).await;
    }
    true
}
