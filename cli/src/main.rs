//! The `ciro` program.

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use ciro::{demo, dev, down, operator, settle, sponsor};
use clap::{Parser, Subcommand};

/// Serverless compute for devices that hold no tokens.
#[derive(Parser)]
#[command(name = "ciro", version)]
struct Arguments {
    /// Where the development network keeps its data.
    #[arg(long, global = true, env = "CIRO_STATE_DIR", default_value = ".ciro")]
    state_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a whole private network until Ctrl-C: PostgreSQL, Redis, devnet, gateway, paymaster, one worker.
    Dev {
        /// Print one JSON line with all URLs and addresses once ready.
        #[arg(long)]
        json: bool,
    },
    /// Run real gas-free jobs on such a network, from enrolment to settlement, and account for every fri.
    Demo {
        /// Leave the network up afterwards; `ciro down` ends it.
        #[arg(long)]
        keep: bool,
    },
    /// End the network that `ciro dev` or `ciro demo --keep` left up.
    Down,
    /// For operators: what they do on chain and with their workers.
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    /// For operators: what they do for sponsors.
    #[command(subcommand)]
    Sponsor(sponsor::SponsorCommand),
    /// For workers: what they do on chain.
    #[command(subcommand)]
    Worker(settle::WorkerCommand),
    /// Print the gateway's OpenAPI document.
    Openapi,
}

// One thread is plenty: everything here waits for others.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let mut out = std::io::stdout();
    match arguments.command {
        Command::Dev { json } => dev::run(&arguments.state_dir, json, &mut out).await,
        Command::Demo { keep } => demo::run(&arguments.state_dir, keep, &mut out).await,
        Command::Down => down::run(&arguments.state_dir, &mut out).await,
        Command::Operator(command) => operator::run(command, &mut out).await,
        Command::Sponsor(command) => sponsor::run(command, &mut out).await,
        Command::Worker(command) => settle::run(command, &mut out).await,
        Command::Openapi => {
            let text = ciro_gateway::openapi_document()
                .to_pretty_json()
                .context("writing the document")?;
            writeln!(out, "{text}").context("printing")
        }
    }
}
