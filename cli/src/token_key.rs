//! `ciro operator token-key`: replaces the key that signs the gateways' tokens. Works on the file that they read.

use std::{fs, io::Write, path::PathBuf};

use anyhow::Context;
use ciro_api::limits;
use ciro_gateway::auth::key_file;
use clap::{Args, Subcommand};

use crate::dev::files::write_private;

/// One step of a replacement.
#[derive(Subcommand)]
pub enum TokenKeyCommand {
    /// Add a fresh key: gateways publish it and take its tokens, and do not sign with it yet.
    Add(TokenKeyFlags),
    /// Have the key that was added last sign from now on.
    Promote(TokenKeyFlags),
    /// Forget all keys but the one that signs.
    Drop(TokenKeyFlags),
}

/// Which file.
#[derive(Args, Clone, Debug)]
pub struct TokenKeyFlags {
    /// The token key file of the gateways.
    #[arg(long, env = "CIRO_TOKEN_KEY_FILE")]
    pub file: PathBuf,
}

/// Runs the command.
pub fn run(command: TokenKeyCommand, out: &mut impl Write) -> anyhow::Result<()> {
    let lag_s = limits::TOKEN_KEYS_LAG_MS / 1_000;
    let life_s = limits::TOKEN_TTL_S + limits::CLOCK_SKEW_S;
    let (flags, step, next): (_, fn(&str) -> _, _) = match command {
        TokenKeyCommand::Add(flags) => (
            flags,
            key_file::add as _,
            format!(
                "give the file to every gateway; {lag_s} s later all know the new key, and you can promote it"
            ),
        ),
        TokenKeyCommand::Promote(flags) => (
            flags,
            key_file::promote as _,
            format!(
                "give the file to every gateway; tokens of the old key end in {life_s} s, and you can drop it"
            ),
        ),
        TokenKeyCommand::Drop(flags) => (
            flags,
            key_file::drop_old as _,
            "give the file to every gateway; the key is replaced".to_owned(),
        ),
    };
    let name = flags.file.display();
    let text = fs::read_to_string(&flags.file).with_context(|| format!("reading {name}"))?;
    let changed: Result<String, key_file::KeyFileError> = step(&text);
    write_private(&flags.file, &changed.with_context(|| format!("changing {name}"))?)?;
    writeln!(out, "{next}")?;
    Ok(())
}
