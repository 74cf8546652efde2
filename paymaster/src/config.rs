//! What the process is told: flags and environment. Never holds the key itself, only where it lies.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use axum::http::HeaderName;
use ciro_api::{Address, Fri};
use ciro_contracts::{Deployment, PrivateKey, SignerLink};
use ciro_egress::Authorities;
use ciro_paymaster::{
    admission::{self, Rate},
    ask::{self, WebhookKey},
    devices::Issuer,
    keystores,
    relay::Settings,
    requests::{DeskSettings, GasTokens},
    service::{Config, Float, RelayerKeys, Relaying},
};
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
    /// JSON-RPC of a Starknet node; of several, with commas between them: when one does not answer, the next is asked.
    #[arg(
        long,
        env = "STARKNET_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        required = true
    )]
    rpc_url: Vec<Url>,
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
    /// A directory with the keystore of each relayer, `<address>.json`. Without it, nothing is relayed.
    #[arg(long, env = "CIRO_RELAYER_KEYSTORES", requires = "relayer_password_file")]
    relayer_keystores: Option<PathBuf>,
    /// A file, readable only by its owner, with the password of those keystores.
    #[arg(long, env = "CIRO_RELAYER_PASSWORD_FILE")]
    relayer_password_file: Option<PathBuf>,
    /// A signer that holds the relayers' keys in their place.
    #[arg(
        long,
        env = "CIRO_SIGNER_URL",
        requires = "signer_token_file",
        conflicts_with = "relayer_keystores"
    )]
    signer_url: Option<Url>,
    /// A file, readable only by its owner, with the token that the signer wants to see.
    #[arg(long, env = "CIRO_SIGNER_TOKEN_FILE")]
    signer_token_file: Option<PathBuf>,
    /// Where SNIP-29 is answered; port 0 takes a free one.
    #[arg(long, env = "CIRO_SNIP29_LISTEN", default_value = "127.0.0.1:8091")]
    snip29_listen: SocketAddr,
    /// Gets the address that SNIP-29 is answered at, once it is.
    #[arg(long, env = "CIRO_SNIP29_READY_FILE")]
    snip29_ready_file: Option<PathBuf>,
    /// A list of the tokens beside STRK that fees may be paid in, with what they are worth.
    #[arg(long, env = "CIRO_GAS_TOKENS_FILE")]
    gas_tokens_file: Option<PathBuf>,
    /// An account that keeps relayers in STRK.
    #[arg(long, env = "CIRO_TREASURY_ADDRESS", requires = "treasury_key_file")]
    treasury_address: Option<Address>,
    /// A file, readable only by its owner, with that account's private key.
    #[arg(long, env = "CIRO_TREASURY_KEY_FILE")]
    treasury_key_file: Option<PathBuf>,
    /// A relayer that has less than this takes nothing more on.
    #[arg(long, env = "CIRO_RELAYER_EMPTY_FRI", default_value = "1000000000000000000")]
    relayer_empty_fri: Fri,
    /// A relayer that has less than this gets more.
    #[arg(long, env = "CIRO_RELAYER_LOW_FRI", default_value = "5000000000000000000")]
    relayer_low_fri: Fri,
    /// So much, afterwards.
    #[arg(long, env = "CIRO_RELAYER_FULL_FRI", default_value = "20000000000000000000")]
    relayer_full_fri: Fri,
    /// How much one network may ask for, in tokens a second: a request to execute takes 40, one to build 20.
    #[arg(long, env = "CIRO_NETWORK_TOKENS_PER_S", default_value_t = 120)]
    network_tokens_per_s: u32,
    /// How much it may ask for at once.
    #[arg(long, env = "CIRO_NETWORK_TOKENS_AT_ONCE", default_value_t = 2_400)]
    network_tokens_at_once: u32,
    /// The same for one account.
    #[arg(long, env = "CIRO_ACCOUNT_TOKENS_PER_S", default_value_t = 30)]
    account_tokens_per_s: u32,
    /// The same for one account.
    #[arg(long, env = "CIRO_ACCOUNT_TOKENS_AT_ONCE", default_value_t = 300)]
    account_tokens_at_once: u32,
    /// The same for one sponsorship key.
    #[arg(long, env = "CIRO_KEY_TOKENS_PER_S", default_value_t = 3_000)]
    key_tokens_per_s: u32,
    /// The same for one sponsorship key.
    #[arg(long, env = "CIRO_KEY_TOKENS_AT_ONCE", default_value_t = 6_000)]
    key_tokens_at_once: u32,
    /// The same for one device.
    #[arg(long, env = "CIRO_DEVICE_TOKENS_PER_S", default_value_t = 30)]
    device_tokens_per_s: u32,
    /// The same for one device.
    #[arg(long, env = "CIRO_DEVICE_TOKENS_AT_ONCE", default_value_t = 300)]
    device_tokens_at_once: u32,
    /// Where the gateways publish the keys that sign devices' tokens: `/.well-known/jwks.json` of one. Without it, no device is
    /// told from another, and a token is refused.
    #[arg(long, env = "CIRO_DEVICE_JWKS_URL", requires = "device_issuer")]
    device_jwks_url: Option<Url>,
    /// The name that those tokens carry: the gateways' `CIRO_ISSUER`.
    #[arg(long, env = "CIRO_DEVICE_ISSUER", requires = "device_jwks_url")]
    device_issuer: Option<String>,
    /// The header in which your own proxy says where a request came from. Without it, that is who connects.
    #[arg(long, env = "CIRO_CLIENT_ADDRESS_HEADER")]
    client_address_header: Option<HeaderName>,
    /// The Ed25519 key (PKCS#8 PEM, readable only by its owner) that questions to sponsors' own servers are signed with. Without
    /// it, rules that ask deny.
    #[arg(long, env = "CIRO_POLICY_WEBHOOK_KEY_FILE")]
    policy_webhook_key_file: Option<PathBuf>,
    /// Certificates (PEM) of authorities that a sponsor's server may be certified by, beside those that this machine trusts.
    #[arg(long, env = "CIRO_WEBHOOK_CA_FILE")]
    webhook_ca_file: Option<PathBuf>,
    /// For development: sponsors' servers may also be on any port and at private addresses, this machine's own included. Whoever
    /// can write a policy can then call what this paymaster can reach.
    #[arg(long, env = "CIRO_WEBHOOK_ALLOW_PRIVATE", default_value_t = false)]
    webhook_allow_private: bool,
    /// After how long without a block a relayer's transaction is sent again, at a higher price.
    #[arg(long, env = "CIRO_RESEND_AFTER_MS", default_value_t = 15_000)]
    resend_after_ms: u64,
    /// After how long a nonce that something else has used is given up.
    #[arg(long, env = "CIRO_LOST_AFTER_MS", default_value_t = 60_000)]
    lost_after_ms: u64,
    /// How long a relayer belongs to a process that says nothing any more.
    #[arg(long, env = "CIRO_RELAYER_LEASE_MS", default_value_t = 30_000)]
    relayer_lease_ms: u64,
    /// How this process is watched.
    #[command(flatten)]
    pub(crate) telemetry: ciro_telemetry::Flags,
}

impl Flags {
    pub(crate) fn into_config(self) -> anyhow::Result<Config> {
        // The driver's own error repeats nothing of the string, which holds a password.
        let database = self.database_url.parse().context("DATABASE_URL is not valid")?;
        let relaying = self.relaying()?;
        Ok(Config {
            database,
            relaying,
            rpc_urls: self.rpc_url,
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

    fn relayer_keys(&self) -> anyhow::Result<Option<RelayerKeys>> {
        if let (Some(url), Some(token)) = (&self.signer_url, &self.signer_token_file) {
            let link = SignerLink::new(url, &keystores::read_secret(token)?)?;
            return Ok(Some(RelayerKeys::Remote(link)));
        }
        let Some(directory) = &self.relayer_keystores else { return Ok(None) };
        let password =
            self.relayer_password_file.as_deref().context("a password file is needed")?;
        let keys = keystores::open(directory, &keystores::read_secret(password)?)?;
        Ok(Some(RelayerKeys::Held(keys)))
    }

    fn relaying(&self) -> anyhow::Result<Option<Relaying>> {
        let Some(relayers) = self.relayer_keys()? else { return Ok(None) };
        let treasury = match (self.treasury_address, &self.treasury_key_file) {
            (Some(address), Some(file)) => Some((address, PrivateKey::from_file(file)?)),
            _ => None,
        };
        let tokens = match &self.gas_tokens_file {
            Some(file) => GasTokens::read(file)?,
            None => GasTokens::default(),
        };
        let devices = match (&self.device_issuer, &self.device_jwks_url) {
            (Some(name), Some(url)) => Some(Issuer { name: name.clone(), jwks_url: url.clone() }),
            _ => None,
        };
        Ok(Some(Relaying {
            relayers,
            devices,
            treasury,
            float: Float {
                empty: self.relayer_empty_fri,
                low: self.relayer_low_fri,
                full: self.relayer_full_fri,
            },
            listen: self.snip29_listen,
            ready_file: self.snip29_ready_file.clone(),
            tokens,
            settings: Settings {
                resend_after: Duration::from_millis(self.resend_after_ms),
                lost_after: Duration::from_millis(self.lost_after_ms),
                lease: Duration::from_millis(self.relayer_lease_ms),
                ..Settings::default()
            },
            desk: DeskSettings::default(),
            admission: admission::Settings {
                network: Rate {
                    per_second: self.network_tokens_per_s,
                    burst: self.network_tokens_at_once,
                },
                account: Rate {
                    per_second: self.account_tokens_per_s,
                    burst: self.account_tokens_at_once,
                },
                sponsor_key: Rate {
                    per_second: self.key_tokens_per_s,
                    burst: self.key_tokens_at_once,
                },
                device: Rate {
                    per_second: self.device_tokens_per_s,
                    burst: self.device_tokens_at_once,
                },
                ..admission::Settings::default()
            },
            asking: self.asking()?,
            client_address_header: self.client_address_header.clone(),
        }))
    }

    fn asking(&self) -> anyhow::Result<Option<ask::Settings>> {
        let Some(file) = &self.policy_webhook_key_file else { return Ok(None) };
        let key = WebhookKey::from_pem(&keystores::read_secret(file)?)
            .with_context(|| format!("reading {}", file.display()))?;
        let authorities = self.webhook_ca_file.as_deref().map(Authorities::read).transpose()?;
        Ok(Some(ask::Settings {
            key,
            authorities: authorities.unwrap_or_default(),
            allow_private: self.webhook_allow_private,
        }))
    }
}
