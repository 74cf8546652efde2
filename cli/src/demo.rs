//! The demo: a device without a token or a wallet has real jobs run and paid for, and every fri is accounted for.

mod accounting;
pub mod client;
pub mod device;
mod inputs;
mod latency;
mod launch;
mod print;
mod report;

use std::{io::Write, path::Path, time::Duration};

use anyhow::{Context, bail};
use ciro_api::{Fri, JobId, TxHash, rest::jobs::Job};
use ciro_contracts::{Chain, KeyedAccount, Pool, PrivateKey};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use self::{accounting::Balances, client::Gateway, device::Device, inputs::Request};
use crate::dev::{CHALLENGE_WINDOW_S, network::Network};

/// Jobs that the device has in flight at once.
const CONCURRENCY: usize = 16;

/// Settlement: a statement period, a countersignature and a transaction, on a busy machine.
const SETTLE_PATIENCE: Duration = Duration::from_secs(90);

/// A job with what was asked.
struct Done {
    request: Request,
    job: Job,
}

/// `ciro demo`.
pub async fn run(state_dir: &Path, keep: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let started = Instant::now();
    writeln!(
        out,
        "starting a private network (PostgreSQL, Redis, Starknet devnet, gateway, paymaster, worker) …"
    )?;
    let launched = launch::start(state_dir, keep).await?;
    writeln!(out, "ready after {:.1} s\n", started.elapsed().as_secs_f64())?;
    let outcome = play(&launched.network, &launched.demo_dir, out).await;
    if keep && outcome.is_ok() {
        writeln!(out, "\nthe network stays up (process {}):", launched.network.pid)?;
        launched.network.print(out)?;
        launched.leave();
    } else {
        launched.stop().await?;
    }
    outcome?;
    writeln!(out, "\ndone in {:.1} s", started.elapsed().as_secs_f64())?;
    Ok(())
}

async fn play(network: &Network, demo_dir: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let gateway = Gateway::new(&network.gateway_url)?;
    let chain = Chain::connect(network.rpc_url.parse()?, Duration::from_secs(20)).await?;
    let before = Balances::read(&chain, network).await?;

    let device = Device::enrol(&gateway, network).await?;
    print::enrolment(out, network, &device)?;
    let requests = inputs::choose(&network.corpora_dir)?;
    print::requests(out, network, &requests)?;

    let began = Instant::now();
    let mut done = submit_all(&gateway, &device, requests).await?;
    writeln!(
        out,
        "{} jobs succeeded in {:.2} s; waiting for their settlement …",
        done.len(),
        began.elapsed().as_secs_f64()
    )?;
    let timed = latency::measure(&gateway, &device).await?;
    let extra = timed.jobs.clone();
    writeln!(
        out,
        "sha256 from POST to `succeeded`, {} jobs one after another: p50 {:.1} ms, p90 {:.1} ms, max {:.1} ms",
        timed.jobs.len(),
        timed.p50_ms,
        timed.p90_ms,
        timed.max_ms
    )?;

    for item in &mut done {
        item.job = settled(&gateway, &device, item.job.id).await?;
    }
    let mut total = done.iter().map(|item| &item.job).cloned().collect::<Vec<_>>();
    for id in extra {
        total.push(settled(&gateway, &device, id).await?);
    }
    let claim = claim(&chain, network).await?;
    let after = Balances::read(&chain, network).await?;

    print::table(out, &done)?;
    let owed = accounting::sum(&total)?;
    writeln!(out, "worker claimed in {claim}")?;
    print::money(out, &before, &after, owed)?;
    report::write(&demo_dir.join("report.json"), network, &device, &done, &before, &after)?;
    writeln!(out, "report: {}", demo_dir.join("report.json").display())?;
    accounting::check(&before, &after, owed)?;
    inputs::check(&done)
}

async fn submit_all(
    gateway: &Gateway,
    device: &Device,
    requests: Vec<Request>,
) -> anyhow::Result<Vec<Done>> {
    stream::iter(requests.into_iter().map(|request| async move {
        let job = gateway.run(device, &request.body).await?;
        if job.output.is_none() {
            bail!("job {} is {}: {:?}", job.id, job.status, job.failure);
        }
        Ok(Done { request, job })
    }))
    .buffered(CONCURRENCY)
    .try_collect()
    .await
}

/// Waits until the chain has paid for the job.
async fn settled(gateway: &Gateway, device: &Device, id: JobId) -> anyhow::Result<Job> {
    let deadline = Instant::now() + SETTLE_PATIENCE;
    loop {
        let job = gateway.job(device, id).await?;
        if job
            .settlement
            .as_ref()
            .is_some_and(|s| s.tx_hash.is_some() && s.status == ciro_api::SettlementStatus::Settled)
        {
            return Ok(job);
        }
        if Instant::now() > deadline {
            bail!(
                "job {id} is not settled after {} s: {:?}; see .ciro/log",
                SETTLE_PATIENCE.as_secs(),
                job.settlement
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The worker's own account claims, once the challenge window of all its pay has passed.
async fn claim(chain: &Chain, network: &Network) -> anyhow::Result<TxHash> {
    let pool = Pool { address: network.contracts.pool };
    // Pay matures two windows after its payment at the latest.
    accounting::pass_time(network, 2 * CHALLENGE_WINDOW_S).await?;
    let sponsor = network.sponsor.address;
    let pending = pool.pending_of(chain, network.worker, sponsor).await?;
    if pending.locked != Fri::ZERO {
        bail!("{} fri are still locked after the challenge window", pending.locked);
    }
    let key = accounting::devnet_key(network, network.worker).await?;
    let account = KeyedAccount::new(chain.clone(), network.worker, &PrivateKey::new(key));
    let call = pool.claim(network.worker, &[sponsor]);
    account.execute(vec![call]).await.context("claiming the worker's pay")
}
