//! Starts the paymaster and stops it when it is told to. Never prints anything but logs, on stderr.

mod config;

use ciro_telemetry::Style;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = config::Flags::parse();
    let exporting = ciro_telemetry::start("ciro-paymaster", &flags.telemetry, Style::Json)?;
    let config = flags.into_config()?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    let ran = Box::pin(ciro_paymaster::service::run(config, stop)).await;
    exporting.end().await;
    ran?;
    Ok(())
}
