//! Holds the keys of relayers and signs for a paymaster that shows its token. Never prints anything but logs, on stderr.

use std::{net::SocketAddr, path::PathBuf};

use ciro_paymaster::{keystores, listen::listen_on, signer, stop};
use ciro_telemetry::Style;
use clap::Parser;

/// Holds the keys of relayers and signs for a paymaster.
#[derive(Parser)]
#[command(name = "ciro-signer", version)]
#[group(id = "signer")]
struct Flags {
    /// A directory with a keystore `<address>.json` for each relayer.
    #[arg(long, env = "CIRO_RELAYER_KEYSTORES")]
    keystores: PathBuf,
    /// A file, readable only by its owner, with their password.
    #[arg(long, env = "CIRO_RELAYER_PASSWORD_FILE")]
    password_file: PathBuf,
    /// A file, readable only by its owner, with the token that whoever wants a signature must show.
    #[arg(long, env = "CIRO_SIGNER_TOKEN_FILE")]
    token_file: PathBuf,
    /// Where to answer; port 0 takes a free one. Plain HTTP: for this machine, or a network where nobody else listens.
    #[arg(long, env = "CIRO_SIGNER_LISTEN", default_value = "127.0.0.1:8092")]
    listen: SocketAddr,
    /// Gets the address that we listen on, once we do.
    #[arg(long, env = "CIRO_SIGNER_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// How this process is watched.
    #[command(flatten)]
    telemetry: ciro_telemetry::Flags,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let exporting = ciro_telemetry::start("ciro-signer", &flags.telemetry, Style::Json)?;
    let keys = keystores::open(&flags.keystores, &keystores::read_secret(&flags.password_file)?)?;
    anyhow::ensure!(!keys.is_empty(), "{} holds no keystore", flags.keystores.display());
    let token = keystores::read_secret(&flags.token_file)?;
    anyhow::ensure!(token.len() >= 16, "the token must have 16 characters or more");
    let listener = listen_on(flags.listen, flags.ready_file.as_deref()).await?;
    tracing::info!(keys = keys.len(), "signing");
    let stop = stop::when_told()?;
    signer::serve(listener, keys, &token, stop).await?;
    exporting.end().await;
    Ok(())
}
