//! What a gateway needs to know before it starts. The only place that reads the environment.

use std::{net::SocketAddr, path::PathBuf};

use ciro_api::{Address, ChainId, limits};

#[cfg(debug_assertions)]
use crate::failpoint::Failpoint;
use crate::failpoint::Failpoints;

/// Settings of one gateway process.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "ciro-gateway", version, about = "The front desk of ciro-network")]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, env = "CIRO_GATEWAY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// `PostgreSQL`, the only truth.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Bring the schema up to date before serving. Replicas that start together take turns.
    #[arg(long, env = "CIRO_MIGRATE", default_value_t = false)]
    pub migrate: bool,
    /// Most connections to `PostgreSQL`.
    #[arg(long, env = "CIRO_DATABASE_CONNECTIONS_MAX", default_value_t = 16)]
    pub database_connections_max: usize,
    /// Redis, the disposable index.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: String,
    /// How many requests one device may make in a minute. They grow back evenly.
    #[arg(long, env = "CIRO_DEVICE_REQUESTS_PER_MINUTE", default_value_t = limits::DEVICE_REQUESTS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::QUOTA_MAX)))]
    pub device_requests_per_minute: u32,
    /// How many requests all API keys of one sponsor may make in a minute together.
    #[arg(long, env = "CIRO_SPONSOR_REQUESTS_PER_MINUTE", default_value_t = limits::SPONSOR_REQUESTS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::QUOTA_MAX)))]
    pub sponsor_requests_per_minute: u32,
    /// How many claims may come with one claim token in a minute.
    #[arg(long, env = "CIRO_CLAIMS_PER_MINUTE", default_value_t = limits::CLAIMS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::QUOTA_MAX)))]
    pub claims_per_minute: u32,
    /// How many claims may come in a minute with claim tokens that nobody made, from all the world together.
    #[arg(long, env = "CIRO_UNKNOWN_CLAIMS_PER_MINUTE", default_value_t = limits::UNKNOWN_CLAIMS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::QUOTA_MAX)))]
    pub unknown_claims_per_minute: u32,
    /// The name that tokens carry as issuer and assertions as audience. All replicas share it.
    #[arg(long, env = "CIRO_ISSUER")]
    pub issuer: String,
    /// The Ed25519 keys (PKCS#8 PEM, readable by the owner alone) of tokens: the first signs, all are known. All replicas
    /// share them. A change is taken over within five seconds.
    #[arg(long, env = "CIRO_TOKEN_KEY_FILE")]
    pub token_key_file: PathBuf,
    /// 32 random bytes in hexadecimal digits, readable by the owner alone, that lease ids and webhook secrets are made from. All
    /// replicas share them, and they stay as they are.
    #[arg(long, env = "CIRO_SECRET_FILE")]
    pub secret_file: PathBuf,
    /// The chain of this network.
    #[arg(long, env = "CIRO_CHAIN_ID")]
    pub chain_id: ChainId,
    /// The `JobManager` of this network.
    #[arg(long, env = "CIRO_JOB_MANAGER")]
    pub job_manager: Address,
    /// For development: webhooks may also go to plain HTTP, to any port and to private addresses, this machine's own
    /// included. Whoever can post jobs can then call what this gateway can reach.
    #[arg(long, env = "CIRO_WEBHOOK_ALLOW_PRIVATE", default_value_t = false)]
    pub webhook_allow_private: bool,
    /// Certificates (PEM) of authorities that a webhook's receiver may be certified by, beside those that this machine
    /// trusts. Read once, at the start.
    #[arg(long, env = "CIRO_WEBHOOK_CA_FILE")]
    pub webhook_ca_file: Option<PathBuf>,
    /// How long a webhook waits after its first failed try. The later pauses are fixed.
    #[arg(long, env = "CIRO_WEBHOOK_FIRST_RETRY_MS", default_value_t = 5_000,
        value_parser = clap::value_parser!(u64).range(1..=300_000))]
    pub webhook_first_retry_ms: u64,
    /// How this process is watched.
    #[command(flatten)]
    pub telemetry: ciro_telemetry::Flags,
    /// Once ready, the address is written here, so that a supervisor need not guess a free port.
    #[arg(long, env = "CIRO_READY_FILE")]
    pub ready_file: Option<PathBuf>,
    /// For tests: the place where this process kills itself, and the how many-th time (`taken:3`).
    #[cfg(debug_assertions)]
    #[arg(long, env = "CIRO_FAILPOINT", hide = true)]
    pub failpoint: Option<Failpoint>,
}

impl Config {
    /// The place where this process kills itself: none in a release build.
    pub(crate) fn failpoints(&self) -> Failpoints {
        #[cfg(debug_assertions)]
        let armed = self.failpoint;
        #[cfg(not(debug_assertions))]
        let armed = None;
        Failpoints::new(armed)
    }
}
