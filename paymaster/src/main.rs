//! Starts the paymaster and stops it when it is told to. Never prints anything but logs, on stderr.

mod config;

use ciro_telemetry::Style;
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = config::Flags::parse();
    let exporting = ciro_telemetry::start("ciro-paymaster", &flags.telemetry, Style::Json)?;
    let config = flags.into_config()?;
    let stop = ciro_paymaster::stop::when_told()?;
    let ran = Box::pin(ciro_paymaster::service::run(config, stop)).await;
    exporting.end().await;
    ran?;
    Ok(())
}
