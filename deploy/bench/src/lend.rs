//! Lends a running desk to another program: a real gateway with its stores and a real worker, and in the program's
//! environment a throw-away credential for each role. When the program ends, so does everything else.

use std::{os::unix::process::ExitStatusExt, path::Path, process::ExitStatus};

use anyhow::{Context, bail};
use ciro::{
    demo::{client::Gateway, device::Device},
    stack::service::{Service, ServiceSpec},
};
use clap::Args;
use tokio::process::Command;

use crate::{
    desk::{CHAIN_ID, Desk, ISSUER, JOB_MANAGER, write_private},
    fill::SPONSORS,
    worker::WorkerKey,
};

/// Who works: the first worker key; the sessions that are lent are the second's.
const EMPLOYED: usize = 0;
const LENT: usize = 1;
/// Enough devices of different sponsors for every scenario.
const DEVICES: usize = 2 * SPONSORS;

/// What to run.
#[derive(Args)]
pub(crate) struct Flags {
    /// The command; it finds `CIRO_URL`, `CIRO_DEVICE_TOKENS` (one of each sponsor in turn, with commas; the
    /// last alone is `CIRO_DEVICE_TOKEN`), `CIRO_WORKER_TOKEN`, `CIRO_SPONSOR_KEY` (the first sponsor's) and
    /// `CIRO_REVOCABLE_DEVICE` (the id of a device of that sponsor which nobody else uses) in its environment.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Runs it, and ends as it does.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    let mut desk = Desk::start().await?;
    let mut worker = employ(&desk).await?;
    let url = format!("http://{}", desk.gateway);
    let devices = desk.devices(DEVICES, SPONSORS).await?;
    let gateway = Gateway::new(&url)?;
    let of_first = desk.filled.claim_tokens.first().context("there is no sponsor")?;
    let revocable = Device::claim(&gateway, ISSUER, of_first).await?.id;
    let session = WorkerKey::of(LENT).log_in(desk.gateway).await?;
    let (program, arguments) = flags.command.split_first().context("there is no command")?;
    let ended = Command::new(program)
        .args(arguments)
        .env("CIRO_URL", &url)
        .env("CIRO_DEVICE_TOKENS", devices.join(","))
        .env("CIRO_DEVICE_TOKEN", devices.last().context("there is no device")?)
        .env("CIRO_REVOCABLE_DEVICE", revocable.to_string())
        .env("CIRO_WORKER_TOKEN", session)
        .env("CIRO_SPONSOR_KEY", &desk.filled.sponsor_key)
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("running {program}"))?;
    // A worker or a gateway that died under the load is a failure, whatever the command thought of it.
    worker.check().context("the worker did not live through it")?;
    desk.service.check().context("the gateway did not live through it")?;
    worker.stop().await?;
    desk.stop().await?;
    pass_on(program, ended)
}

fn pass_on(program: &str, ended: ExitStatus) -> anyhow::Result<()> {
    match (ended.code(), ended.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => bail!("{program} ended with {code}"),
        (None, signal) => bail!("{program} was ended by signal {}", signal.unwrap_or_default()),
    }
}

/// A real worker that runs what is posted. It closes no statement, so the operator is anybody.
async fn employ(desk: &Desk) -> anyhow::Result<Service> {
    let key = WorkerKey::of(EMPLOYED);
    let dir: &Path = desk.dir();
    let key_file = dir.join("worker.key");
    write_private(&key_file, &key.text())?;
    let spec: ServiceSpec = Desk::spec(dir, "ciro-worker")?
        .env("CIRO_GATEWAY_URL", format!("http://{}", desk.gateway))
        .env("CIRO_WORKER_KEY_FILE", &key_file)
        .env("CIRO_WORKER_STATE_DIR", dir.join("worker"))
        .env("CIRO_CHAIN_ID", CHAIN_ID)
        .env("CIRO_JOB_MANAGER", JOB_MANAGER.to_string())
        .env("CIRO_WORKER_ADDRESS", key.address().to_string())
        .env("CIRO_OPERATOR_ADDRESS", "0x09e")
        .env("CIRO_OPERATOR_PUBLIC_KEY", key.public_key().to_string());
    Ok(Service::spawn(spec).await?)
}
