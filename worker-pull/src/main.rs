//! `ciro-worker`: reads its configuration, works until SIGTERM or SIGINT, drains, exits 0.

use std::process::ExitCode;

use ciro_telemetry::Style;
use ciro_worker::{Config, METRICS, Worker};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs jobs for ciro-network and is paid for them.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
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
    let exporting = ciro_telemetry::start("ciro-worker", &config.telemetry, Style::ForTerminals)?;
    let worked = watched(config).await;
    exporting.end().await;
    worked
}

async fn watched(config: Config) -> anyhow::Result<()> {
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
    ciro_telemetry::listen(&config.telemetry, &METRICS, shutdown.clone()).await?;
    let worker = Worker::start(config).await?;
    tracing::info!(public_key = %worker.public_key(), "started");
    worker.run_until(shutdown).await?;
    Ok(())
}
