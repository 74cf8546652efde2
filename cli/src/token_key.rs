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
pub fn run(command: &TokenKeyCommand, out: &mut impl Write) -> anyhow::Result<()> {
    use TokenKeyCommand::{Add, Drop, Promote};
    let (Add(flags) | Promote(flags) | Drop(flags)) = command;
    let name = flags.file.display();
    let text = fs::read_to_string(&flags.file).with_context(|| format!("reading {name}"))?;
    let changed = match command {
        Add(_) => key_file::add(&text),
        Promote(_) => key_file::promote(&text),
        Drop(_) => key_file::drop_old(&text),
    };
    write_private(&flags.file, &changed.with_context(|| format!("changing {name}"))?)?;
    let (lag_s, life_s) =
        (limits::TOKEN_KEYS_LAG_MS / 1_000, limits::TOKEN_TTL_S + limits::CLOCK_SKEW_S);
    let next = match command {
        Add(_) => format!("{lag_s} s later all know the new key, and you can promote it"),
        Promote(_) => {
            format!("{life_s} s later the old key's tokens are over, and you can drop it")
        }
        Drop(_) => "the key is replaced".to_owned(),
    };
    writeln!(out, "give {name} to every gateway; {next}")?;
    Ok(())
}
