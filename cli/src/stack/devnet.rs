//! The private Starknet devnet. It writes every state-changing request to a file and, when it starts
//! again, executes them all again: same accounts, addresses, classes, balances and transaction hashes.
//! Never needs a graceful end: the file is mended before each start (see `chain_file`).
//!
//! Two things to know of a chain that was started again. Each transaction costs about what it cost the
//! first time (40 ms for a mint). And old blocks get new timestamps, close to the present: a window that
//! had passed by waiting alone has not passed in the replay (a claim after it reverts and can be made
//! again), a signature that has expired since is refused, and days fall into one allowance epoch. Demos
//! and tests that need time to pass call `devnet_increaseTime`, which is written down and replayed.

mod chain_file;

use std::path::Path;
use std::time::Duration;

use self::chain_file::ChainFile;
use super::port::PortBook;
use super::service::{Service, ServiceSpec};
use super::{StackError, on_port, probe, state_dir};

const NAME: &str = "devnet";
/// It compiles its predeclared classes first: 2 s alone, 6 s on a machine that is busy compiling.
const PATIENCE: Duration = Duration::from_mins(1);
/// For each transaction to execute again: three times the dearest one measured.
const PATIENCE_PER_EVENT: Duration = Duration::from_millis(500);

/// How the chain is set up. Changing it later makes another chain, on which the old requests fail.
#[derive(Debug, Clone)]
pub struct DevnetOptions {
    /// Decides the predeployed accounts' keys and addresses.
    pub seed: u32,
    /// `TESTNET` is `SN_SEPOLIA`, `MAINNET` is `SN_MAIN`, anything else is taken as it is.
    pub chain_id: String,
    /// How many funded accounts there are from the start.
    pub accounts: u8,
    /// More of its command line.
    pub extra_args: Vec<String>,
}

impl Default for DevnetOptions {
    fn default() -> Self {
        Self { seed: 0, chain_id: "TESTNET".to_owned(), accounts: 10, extra_args: Vec::new() }
    }
}

/// A chain that answers.
#[derive(Debug)]
pub struct Devnet {
    service: Service,
    rpc_url: String,
}

impl Devnet {
    /// Starts it, with the chain of the last run, and waits until it is alive.
    pub(super) async fn start(
        program: &Path,
        state_dir: &Path,
        options: &DevnetOptions,
        ports: &PortBook,
    ) -> Result<Self, StackError> {
        let dir = state_dir.join(NAME);
        state_dir::make_private(&dir)?;
        let chain = ChainFile::in_dir(&dir);
        let events = chain.make_loadable()?;
        let spec = |port: u16| {
            // Death by SIGKILL or SIGTERM is all one to it; only SIGINT would wait for open connections.
            ServiceSpec::new(NAME, program, state_dir::log_path(state_dir, NAME))
                .args(["--host", "127.0.0.1", "--port", &port.to_string()])
                .args(["--seed", &options.seed.to_string(), "--chain-id", &options.chain_id])
                .args(["--accounts", &options.accounts.to_string()])
                // Declaring a large class takes seconds on a busy machine.
                .args(["--timeout", "300", "--dump-on", "block"])
                .args(["--dump-path".as_ref(), chain.path().as_os_str()])
                .args(&options.extra_args)
                // It logs a line for every request otherwise, and hides errors below a backtrace.
                .env("RUST_LOG", "warn")
                .env("RUST_BACKTRACE", "0")
        };
        let alive = |port| async move {
            probe::http_ok(&format!("http://127.0.0.1:{port}/is_alive")).await
        };
        let patience = PATIENCE + PATIENCE_PER_EVENT.saturating_mul(events);
        let started = on_port::start(ports, NAME, patience, spec, alive).await;
        let (service, _, port) = started.map_err(|err| blame_replay(err, &chain, events))?;
        chain.loaded()?;
        Ok(Self { service, rpc_url: format!("http://127.0.0.1:{port}/rpc") })
    }

    /// Its JSON-RPC, both the standard methods and its own `devnet_*`.
    pub fn rpc_url(&self) -> &str {
        &self.rpc_url
    }

    /// Its process.
    pub fn service_mut(&mut self) -> &mut Service {
        &mut self.service
    }
}

/// A devnet that ends while it has a past to execute most likely stumbled over that.
fn blame_replay(err: StackError, chain: &ChainFile, events: u32) -> StackError {
    match err {
        StackError::Ended { .. } if events > 0 => StackError::ChainRefused {
            chain: chain.path().to_owned(),
            events,
            source: Box::new(err),
        },
        other => other,
    }
}
