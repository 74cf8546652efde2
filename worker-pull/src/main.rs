//! `ciro-worker`: reads its configuration, works until SIGTERM or SIGINT, drains, exits 0.

use std::{io::IsTerminal, process::ExitCode};

use ciro_worker::{Config, Worker};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Runs jobs for ciro-network and is paid for them.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let (err, colours) = (std::io::stderr, std::io::stderr().is_terminal());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(err).init();
    let worked = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(work(cli.config)));
    match worked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn work(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    let worker = Worker::start(config).await?;
    tracing::info!(public_key = %worker.public_key(), "started");
    worker.run_until(shutdown).await?;
    Ok(())
}
