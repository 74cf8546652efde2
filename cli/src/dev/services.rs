//! Our own processes of the development network: paymaster, gateway, worker.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use ciro_contracts::{Deployment, PrivateKey};
use ciro_paymaster::health::Health;

use super::{accounts::Accounts, files::Files, models};
use crate::stack::{
    Stack, ToolPaths, probe,
    service::{Service, ServiceSpec},
};

/// The name that tokens and assertions of the development network carry.
pub(super) const ISSUER: &str = "ciro-dev";

/// Says where SNIP-29 is answered.
const SNIP29_READY: &str = "snip29.ready";

/// Long enough for a machine that compiles beside us.
const PATIENCE: Duration = Duration::from_mins(1);

/// What services are started from.
pub(super) struct Plan<'a> {
    pub(super) stack: &'a Stack,
    pub(super) files: &'a Files,
    pub(super) tools: &'a ToolPaths,
    pub(super) accounts: &'a Accounts,
    pub(super) deployment: Deployment,
}

/// Three running processes.
pub struct Services {
    /// Where the gateway answers.
    pub gateway_url: String,
    /// Where the paymaster's health is asked.
    pub paymaster_url: String,
    /// Where it takes requests of SNIP-29.
    pub snip29_url: String,
    /// The front desk.
    pub gateway: Service,
    /// The cashier.
    pub paymaster: Service,
    /// The workshop.
    pub worker: Service,
    gateway_spec: ServiceSpec,
    paymaster_spec: ServiceSpec,
    worker_spec: ServiceSpec,
}

impl Services {
    pub(super) async fn start(plan: &Plan<'_>) -> anyhow::Result<Self> {
        let gateway_spec = gateway(plan)?;
        let (mut gateway, gateway_url) = start(plan, gateway_spec.clone()).await?;
        let paymaster_spec = paymaster(plan, &gateway_url)?;
        let (mut paymaster, paymaster_url) = start(plan, paymaster_spec.clone()).await?;
        paymaster.wait_ready(PATIENCE, || mirrored(&paymaster_url)).await?;
        let snip29_url = told(&plan.files.path(SNIP29_READY))?;
        let health = format!("{gateway_url}/v1/health");
        gateway.wait_ready(PATIENCE, || probe::http_ok(&health)).await?;
        let worker_spec = worker(plan, &gateway_url)?;
        let worker = Service::spawn(worker_spec.clone()).await?;
        Ok(Self {
            gateway_url,
            paymaster_url,
            snip29_url,
            gateway,
            paymaster,
            worker,
            gateway_spec,
            paymaster_spec,
            worker_spec,
        })
    }

    /// Gives all three a setting, for when they are started anew.
    pub fn set(&mut self, name: &str, value: &str) {
        for spec in [&mut self.gateway_spec, &mut self.paymaster_spec, &mut self.worker_spec] {
            *spec = spec.clone().env(name, value);
        }
    }

    /// Starts the gateway anew, where it answered before, after it ended or was killed: with `settings` beside or in
    /// place of its own.
    pub async fn start_gateway(&mut self, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        self.gateway.stop().await?;
        let listen = self.gateway_url.trim_start_matches("http://");
        let spec = self.gateway_spec.clone().env("CIRO_GATEWAY_LISTEN", listen);
        let spec = settings.iter().fold(spec, |spec, (name, value)| spec.env(*name, *value));
        self.gateway = Service::spawn(spec).await?;
        let health = format!("{}/v1/health", self.gateway_url);
        self.gateway.wait_ready(PATIENCE, || probe::http_ok(&health)).await?;
        Ok(())
    }

    /// Starts the paymaster anew, on the same ledger, after it ended or was killed. It answers on another port.
    pub async fn start_paymaster(&mut self) -> anyhow::Result<()> {
        self.paymaster.stop().await?;
        self.paymaster = Service::spawn(self.paymaster_spec.clone()).await?;
        Ok(())
    }

    /// Starts the worker anew, on the same journal, after it ended or was killed.
    pub async fn start_worker(&mut self) -> anyhow::Result<()> {
        self.worker.stop().await?;
        self.worker = Service::spawn(self.worker_spec.clone()).await?;
        Ok(())
    }

    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.gateway.check()?;
        self.paymaster.check()?;
        self.worker.check()?;
        Ok(())
    }

    /// The worker first, so that it can hand in what it holds.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let worker = self.worker.stop().await;
        let gateway = self.gateway.stop().await;
        let paymaster = self.paymaster.stop().await;
        worker.and(gateway).and(paymaster)?;
        Ok(())
    }
}

/// Starts a server of ours on a free port and learns from its ready file which one it took.
async fn start(plan: &Plan<'_>, spec: ServiceSpec) -> anyhow::Result<(Service, String)> {
    let ready = ready_file(plan.files, &spec.name);
    // A ready file of the last run would name a port that is nobody's now.
    match std::fs::remove_file(&ready) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing {}", ready.display()));
        }
        _ => {}
    }
    let mut service = Service::spawn(spec).await?;
    let listens = || async { std::fs::read_to_string(&ready).map(drop).map_err(|e| e.to_string()) };
    service.wait_ready(PATIENCE, listens).await?;
    Ok((service, told(&ready)?))
}

/// What a ready file says.
fn told(ready: &Path) -> anyhow::Result<String> {
    let told = std::fs::read_to_string(ready).context("reading a ready file")?;
    Ok(format!("http://{}", told.trim().trim_start_matches("http://")))
}

/// Everybody of ours can be measured, on a free port.
fn measured(plan: &Plan<'_>, spec: ServiceSpec) -> ServiceSpec {
    let ready = metrics_file(plan.files, &spec.name);
    spec.env("CIRO_METRICS_LISTEN", "127.0.0.1:0").env("CIRO_METRICS_READY_FILE", ready)
}

/// Ready means more than listening: the mirror must have seen the deposit and the stake.
async fn mirrored(paymaster_url: &str) -> Result<(), String> {
    let client = reqwest::Client::builder().no_proxy().build().map_err(|e| e.to_string())?;
    let reply =
        client.get(format!("{paymaster_url}/health")).send().await.map_err(|e| e.to_string())?;
    let health: Health = reply.json().await.map_err(|e| e.to_string())?;
    if health.chain.reachable && health.chain.lag_blocks == 0 && health.chain.cursor > 0 {
        return Ok(());
    }
    Err(format!(
        "the mirror is {} blocks behind; {}",
        health.chain.lag_blocks,
        health.problems.join("; ")
    ))
}

fn ready_file(files: &Files, name: &str) -> PathBuf {
    files.path(&format!("{name}.ready"))
}

fn metrics_file(files: &Files, name: &str) -> PathBuf {
    files.path(&format!("{name}.metrics"))
}

fn spec(plan: &Plan<'_>, name: &str) -> anyhow::Result<ServiceSpec> {
    let here = std::env::current_exe().context("finding our own program")?;
    let program = sibling(&here, name)?;
    let log = plan.stack.state_dir().join("log");
    std::fs::create_dir_all(&log).context("making the log directory")?;
    Ok(measured(plan, ServiceSpec::new(name, program, log.join(format!("{name}.log")))))
}

/// Our programs lie side by side; tests live one directory deeper.
fn sibling(here: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let found =
        here.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.exists());
    found.with_context(|| format!("{name} is not beside {}; run `make build`", here.display()))
}

fn paymaster(plan: &Plan<'_>, gateway_url: &str) -> anyhow::Result<ServiceSpec> {
    let relayers = plan.accounts.relayers.iter().map(|role| {
        let key = ciro_api::felt::parse_felt(&role.key_text)?;
        Ok((role.address(), PrivateKey::new(key)))
    });
    let relayers = relayers.collect::<anyhow::Result<Vec<_>>>()?;
    let (keystores, password) = plan.files.relayer_keystores(&relayers)?;
    Ok(spec(plan, "ciro-paymaster")?
        .env("DATABASE_URL", plan.stack.database_url())
        .env("STARKNET_RPC_URL", plan.stack.rpc_url())
        .env("CIRO_DEPLOYMENT_FILE", plan.files.path("deployment.json"))
        .env("CIRO_OPERATOR_ADDRESS", plan.accounts.operator.address().to_string())
        .env("CIRO_OPERATOR_KEY_FILE", plan.files.path("operator.key"))
        .env("CIRO_PAYMASTER_LISTEN", "127.0.0.1:0")
        .env("CIRO_PAYMASTER_READY_FILE", ready_file(plan.files, "ciro-paymaster"))
        .env("CIRO_SNIP29_LISTEN", "127.0.0.1:0")
        .env("CIRO_SNIP29_READY_FILE", plan.files.path(SNIP29_READY))
        .env("CIRO_RELAYER_KEYSTORES", keystores)
        .env("CIRO_RELAYER_PASSWORD_FILE", password)
        // Whoever tries a rule that asks has their server on this machine.
        .env("CIRO_POLICY_WEBHOOK_KEY_FILE", plan.files.policy_webhook_key()?)
        .env("CIRO_WEBHOOK_ALLOW_PRIVATE", "true")
        // Whoever tries it is one network, and may try fast.
        .env("CIRO_NETWORK_TOKENS_PER_S", "1000000")
        .env("CIRO_NETWORK_TOKENS_AT_ONCE", "1000000")
        .env("CIRO_ACCOUNT_TOKENS_AT_ONCE", "1000000")
        .env("CIRO_KEY_TOKENS_AT_ONCE", "1000000")
        .env("CIRO_DEVICE_TOKENS_AT_ONCE", "1000000")
        .env("CIRO_DEVICE_JWKS_URL", format!("{gateway_url}/.well-known/jwks.json"))
        .env("CIRO_DEVICE_ISSUER", ISSUER)
        .env("CIRO_TREASURY_ADDRESS", plan.accounts.treasury.address().to_string())
        .env("CIRO_TREASURY_KEY_FILE", plan.files.path("treasury.key"))
        // People wait for a demo; a real network gathers receipts for longer.
        .env("CIRO_STATEMENT_PERIOD_MS", "2000")
        .env("CIRO_CLOSE_INTERVAL_MS", "250")
        .env("CIRO_WATCH_INTERVAL_MS", "250")
        .env("CIRO_SETTLE_INTERVAL_MS", "250"))
}

fn gateway(plan: &Plan<'_>) -> anyhow::Result<ServiceSpec> {
    Ok(spec(plan, "ciro-gateway")?
        .env("DATABASE_URL", plan.stack.database_url())
        .env("REDIS_URL", plan.stack.redis_url())
        .env("CIRO_GATEWAY_LISTEN", "127.0.0.1:0")
        .env("CIRO_READY_FILE", ready_file(plan.files, "ciro-gateway"))
        // People measure with one device; a real network keeps the default.
        .env("CIRO_DEVICE_REQUESTS_PER_MINUTE", "6000000")
        // Whoever tries webhooks has their receiver on this machine, and does not want to wait for a second try.
        .env("CIRO_WEBHOOK_ALLOW_PRIVATE", "true")
        .env("CIRO_WEBHOOK_FIRST_RETRY_MS", "500")
        .env("CIRO_ISSUER", ISSUER)
        .env("CIRO_TOKEN_KEY_FILE", plan.files.token_key()?)
        .env("CIRO_SECRET_FILE", plan.files.gateway_secret()?)
        .env("CIRO_CHAIN_ID", plan.deployment.chain_id.to_string())
        .env("CIRO_JOB_MANAGER", plan.deployment.job_manager.to_string()))
}

fn worker(plan: &Plan<'_>, gateway_url: &str) -> anyhow::Result<ServiceSpec> {
    Ok(spec(plan, "ciro-worker")?
        .env("CIRO_GATEWAY_URL", gateway_url)
        .env("CIRO_WORKER_ADDRESS", plan.accounts.worker.address().to_string())
        .env("CIRO_WORKER_KEY_FILE", plan.files.path("worker.key"))
        .env("CIRO_CHAIN_ID", plan.deployment.chain_id.to_string())
        .env("CIRO_JOB_MANAGER", plan.deployment.job_manager.to_string())
        .env("CIRO_OPERATOR_ADDRESS", plan.accounts.operator.address().to_string())
        .env("CIRO_OPERATOR_PUBLIC_KEY", plan.accounts.operator.public_key.to_string())
        .env("CIRO_WORKER_POOLS", models::POOLS.join(","))
        .env("CIRO_WORKER_STATE_DIR", plan.files.path("worker"))
        .env("CIRO_ONNXRUNTIME_LIB", plan.tools.onnxruntime_lib.as_os_str()))
}
