//! The gateway process.

use anyhow::Context;
use ciro_gateway::{Config, app};
use ciro_telemetry::Style;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let exporting = ciro_telemetry::start("ciro-gateway", &config.telemetry, Style::Json)?;
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopping.cancel();
    });
    let ran = app::run(config, stop).await.context("the gateway stopped");
    exporting.end().await;
    ran
}
