//! What the process is told: flags and environment. Never holds the key itself, only where it lies.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use ciro_api::Address;
use ciro_contracts::{Deployment, PrivateKey};
use ciro_paymaster::service::Config;
use clap::Parser;
use url::Url;

/// The cashier: mirrors the chain, closes statements and settles them.
#[derive(Parser)]
#[command(name = "ciro-paymaster", version)]
// Those that all our processes share are called flags too, and the parser wants two names.
#[group(id = "paymaster")]
pub(crate) struct Flags {
    /// `PostgreSQL` connection string.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// JSON-RPC of a Starknet node.
    #[arg(long, env = "STARKNET_RPC_URL", hide_env_values = true)]
    rpc_url: Url,
    /// The addresses file of the network.
    #[arg(long, env = "CIRO_DEPLOYMENT_FILE")]
    deployment_file: PathBuf,
    /// The account that settles.
    #[arg(long, env = "CIRO_OPERATOR_ADDRESS")]
    operator_address: Address,
    /// A file, readable only by its owner, with that account's private key.
    #[arg(long, env = "CIRO_OPERATOR_KEY_FILE")]
    operator_key_file: PathBuf,
    /// Where to answer; port 0 takes a free one.
    #[arg(long, env = "CIRO_PAYMASTER_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Gets the address that we listen on, once we do.
    #[arg(long, env = "CIRO_PAYMASTER_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// How long a receipt waits at most for its statement to close.
    #[arg(long, env = "CIRO_STATEMENT_PERIOD_MS", default_value_t = 60_000)]
    statement_period_ms: u64,
    /// How often receipts are looked at.
    #[arg(long, env = "CIRO_CLOSE_INTERVAL_MS", default_value_t = 1_000)]
    close_interval_ms: u64,
    /// How often the chain is asked for news.
    #[arg(long, env = "CIRO_WATCH_INTERVAL_MS", default_value_t = 1_000)]
    watch_interval_ms: u64,
    /// How often countersigned statements are looked for.
    #[arg(long, env = "CIRO_SETTLE_INTERVAL_MS", default_value_t = 1_000)]
    settle_interval_ms: u64,
    /// How long the node may take to answer.
    #[arg(long, env = "CIRO_RPC_TIMEOUT_MS", default_value_t = 10_000)]
    rpc_timeout_ms: u64,
    /// How this process is watched.
    #[command(flatten)]
    pub(crate) telemetry: ciro_telemetry::Flags,
}

impl Flags {
    pub(crate) fn into_config(self) -> anyhow::Result<Config> {
        // The driver's own error repeats nothing of the string, which holds a password.
        let database = self.database_url.parse().context("DATABASE_URL is not valid")?;
        Ok(Config {
            database,
            rpc_url: self.rpc_url,
            rpc_timeout: Duration::from_millis(self.rpc_timeout_ms),
            deployment: Deployment::read(&self.deployment_file)?,
            operator: self.operator_address,
            operator_key: PrivateKey::from_file(&self.operator_key_file)?,
            listen: self.listen,
            ready_file: self.ready_file,
            telemetry: self.telemetry,
            statement_period: Duration::from_millis(self.statement_period_ms),
            close_interval: Duration::from_millis(self.close_interval_ms),
            watch_interval: Duration::from_millis(self.watch_interval_ms),
            settle_interval: Duration::from_millis(self.settle_interval_ms),
        })
    }
}
