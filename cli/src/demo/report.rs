//! `.ciro/demo/report.json`: what others script against.

use std::path::Path;

use anyhow::Context;
use ciro_api::{
    Address, Fri, JobId, JobStatus, StatementId, TxHash,
    rest::jobs::{Evidence, JobOutput},
};
use ciro_contracts::Deployment;
use serde::Serialize;

use super::{Done, accounting::Balances, device::Device};
use crate::dev::network::Network;

#[derive(Serialize)]
struct Report<'a> {
    jobs: Vec<JobLine<'a>>,
    device: DeviceLine,
    sponsor: SponsorLine,
    worker: WorkerLine,
    rpc_url: &'a str,
    gateway_url: &'a str,
    paymaster_url: &'a str,
    contracts: &'a Deployment,
}

#[derive(Serialize)]
struct JobLine<'a> {
    id: JobId,
    model: &'a str,
    status: JobStatus,
    level: &'static str,
    output: Option<&'a JobOutput>,
    attestation: Option<&'a Evidence>,
    amount_fri: Option<Fri>,
    statement: Option<StatementId>,
    tx_hash: Option<TxHash>,
}

#[derive(Serialize)]
struct DeviceLine {
    id: String,
    strk_fri: Fri,
}

#[derive(Serialize)]
struct SponsorLine {
    address: Address,
    deposit_before_fri: Fri,
    deposit_after_fri: Fri,
}

#[derive(Serialize)]
struct WorkerLine {
    address: Address,
    paid_fri: Fri,
}

/// Writes the report whole.
pub(super) fn write(
    path: &Path,
    network: &Network,
    device: &Device,
    done: &[Done],
    before: &Balances,
    after: &Balances,
) -> anyhow::Result<()> {
    let report = Report {
        jobs: done.iter().map(line).collect(),
        // A device has no account: there is nothing on chain that could hold STRK for it.
        device: DeviceLine { id: device.id.to_string(), strk_fri: Fri::ZERO },
        sponsor: SponsorLine {
            address: network.sponsor.address,
            deposit_before_fri: before.deposit,
            deposit_after_fri: after.deposit,
        },
        worker: WorkerLine { address: network.worker, paid_fri: before.paid(after)? },
        rpc_url: &network.rpc_url,
        gateway_url: &network.gateway_url,
        paymaster_url: &network.paymaster_url,
        contracts: &network.contracts,
    };
    let partial = path.with_extension("partial");
    std::fs::write(&partial, serde_json::to_string_pretty(&report)?)
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(|| format!("writing {}", path.display()))
}

fn line(done: &Done) -> JobLine<'_> {
    let job = &done.job;
    let settlement = job.settlement.as_ref();
    JobLine {
        id: job.id,
        model: &job.model,
        status: job.status,
        level: job.level.as_str(),
        output: job.output.as_ref(),
        attestation: job.evidence.as_ref(),
        amount_fri: settlement.map(|s| s.amount_fri),
        statement: settlement.and_then(|s| s.statement),
        tx_hash: settlement.and_then(|s| s.tx_hash),
    }
}
