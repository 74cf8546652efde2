//! The `ciro-bench` program: measures the front desk and other queues beside it, and lends a running desk to the
//! programs that try it from outside (k6, schemathesis).
//!
//! Judges nothing: what it prints are measurements of this machine at this moment.

mod accept;
mod connection;
mod cpu;
mod crowd;
mod desk;
mod fill;
mod flush;
mod hold;
mod install;
mod jobs;
mod latency;
mod lend;
mod lives;
mod machine;
mod paymaster_suite;
mod peers;
mod pickup;
mod profile;
mod publish;
mod queue_suite;
mod report;
mod table;
mod worker;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Measures the front desk of ciro-network.
#[derive(Parser)]
#[command(name = "ciro-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The queue: accepts, whole lives, pickup, recovery, and the same of other queues.
    Queue(queue_suite::Flags),
    /// The paymaster: builds, operations relayed one by one and together, gas, beside accounts that act for themselves.
    Paymaster(paymaster_suite::Flags),
    /// Start a desk with a worker, run a command with its credentials in the environment, end both.
    Lend(lend::Flags),
    /// Take leases and never say a word again; the suite kills this.
    #[command(hide = true)]
    Hold(hold::Flags),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    open_many_files()?;
    match Arguments::parse().command {
        Command::Queue(flags) => queue_suite::run(flags).await,
        Command::Paymaster(flags) => Box::pin(paymaster_suite::run(flags)).await,
        Command::Lend(flags) => lend::run(flags).await,
        Command::Hold(flags) => hold::run(flags).await,
    }
}

/// A crowd of workers is as many sockets here and in the gateway, which inherits our limit.
fn open_many_files() -> anyhow::Result<()> {
    let (_, most) =
        getrlimit(Resource::RLIMIT_NOFILE).context("reading the limit of open files")?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("raising the limit of open files")
}

/// The top of the checkout that this program was built from.
fn root() -> anyhow::Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Ok(here.ancestors().nth(2).context("the crate lies in no checkout")?.to_owned())
}
