//! The development network: every part real, private, on free ports, ended together.

mod accounts;
mod chain;
pub(crate) mod files;
mod ledger;
mod models;
pub mod network;
mod services;

use std::{io::Write, path::Path};

use anyhow::Context;
use ciro_contracts::Chain;
use ciro_paymaster::watch::Watcher;
use tokio::signal::unix::{SignalKind, signal};

pub use self::chain::{CHALLENGE_WINDOW_S, WITHDRAWAL_NOTICE_S};
use self::{accounts::Accounts, network::Network, services::Services};
use crate::stack::{Stack, StackConfig, ToolPaths};

/// A running development network.
pub struct Dev {
    /// What to connect to.
    pub network: Network,
    /// Gateway, paymaster and worker.
    pub services: Services,
    /// `PostgreSQL`, Redis and devnet.
    pub stack: Stack,
}

/// Starts everything on `state_dir` and returns when a device could post a job.
pub async fn start(state_dir: &Path) -> anyhow::Result<Dev> {
    start_on(StackConfig::new(state_dir, ToolPaths::find()?)).await
}

/// The same, on servers that are set up in another way.
pub async fn start_on(config: StackConfig) -> anyhow::Result<Dev> {
    let tools = config.tools.clone();
    let stack = Stack::start(config).await?;
    let files = files::Files::prepare(stack.state_dir())?;

    let chain = Chain::connect(stack.rpc_url().parse()?, chain::RPC_TIMEOUT).await?;
    let accounts = Accounts::of_devnet(stack.rpc_url(), &chain).await?;
    files.write_secret("operator.key", &accounts.operator.key_text)?;
    files.write_secret("treasury.key", &accounts.treasury.key_text)?;
    let worker_key = files.worker_key()?;
    let deployment = chain::set_up(&accounts, worker_key.public_key()).await?;
    deployment.write(&files.path("deployment.json"))?;

    let mut database = ledger::connect(stack.database_url()).await?;
    ciro_gateway::database::migrate(&mut database).await.context("migrating the database")?;
    let watcher = Watcher::new(chain, deployment, accounts.operator.address());
    ledger::mirror(&database, &watcher).await?;
    models::register_off_chain(&database).await?;
    let sponsor = ledger::sponsor(&database, accounts.sponsor.address()).await?;
    let claim_token = ledger::claim_token(&mut database, sponsor).await?;
    let sponsorship_key = ledger::sponsorship(&database, sponsor, &deployment).await?;

    let plan = services::Plan {
        stack: &stack,
        files: &files,
        tools: &tools,
        accounts: &accounts,
        deployment,
    };
    let services = Services::start(&plan).await?;
    let network = Network {
        gateway_url: services.gateway_url.clone(),
        paymaster_url: services.paymaster_url.clone(),
        snip29_url: services.snip29_url.clone(),
        rpc_url: stack.rpc_url().to_owned(),
        database_url: stack.database_url().to_owned(),
        redis_url: stack.redis_url().to_owned(),
        issuer: services::ISSUER.to_owned(),
        contracts: deployment,
        sponsor: network::SponsorInfo { id: sponsor, address: accounts.sponsor.address() },
        operator: accounts.operator.address(),
        worker: accounts.worker.address(),
        claim_token,
        sponsorship_key,
        corpora_dir: tools.corpora_dir.clone(),
        pid: std::process::id(),
    };
    network.write(&files.path("network.json"))?;
    Ok(Dev { network, services, stack })
}

impl Dev {
    /// Fails when a part has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.stack.check()?;
        self.services.check()
    }

    /// Ends what was started, in order: those who write before what they write to.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let services = self.services.stop().await;
        self.stack.stop().await?;
        services
    }
}

/// `ciro dev`: runs until told to stop, or until a part dies.
pub async fn run(state_dir: &Path, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut dev = tokio::select! {
        started = start(state_dir) => started?,
        // Dropping what was started so far asks it to end.
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&dev.network)?)?;
    } else {
        dev.network.print(out)?;
    }
    out.flush()?;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(500));
    let died = loop {
        tokio::select! {
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            _ = look.tick() => if let Err(error) = dev.check() { break Err(error) },
        }
    };
    dev.stop().await?;
    died
}
