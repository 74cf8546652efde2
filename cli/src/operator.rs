//! `ciro operator`: has the chain accept statements that the operator's key has signed, whoever sends them.

use std::io::Write;

use anyhow::Context;
use ciro_api::{Address, PublicKey};
use ciro_contracts::{JobManager, KeyedAccount};
use clap::{Args, Subcommand};

use crate::{
    account::AccountFlags,
    drain::{self, DrainFlags},
    token_key::{self, TokenKeyCommand},
};

/// What operators do.
#[derive(Subcommand)]
pub enum OperatorCommand {
    /// Register the account's key as the one that signs statements for it. Doing it again changes nothing.
    Register(RegisterFlags),
    /// Have a worker take no more jobs, or go, or take jobs again.
    Drain(DrainFlags),
    /// Replace the key that signs the gateways' tokens, step by step.
    #[command(subcommand)]
    TokenKey(TokenKeyCommand),
}

/// Whose key is registered, and where.
#[derive(Args, Clone, Debug)]
pub struct RegisterFlags {
    /// The `JobManager` of the network.
    #[arg(long, env = "CIRO_JOB_MANAGER")]
    pub job_manager: Address,
    /// The operator's account.
    #[command(flatten)]
    pub account: AccountFlags,
}

/// Runs the command.
pub async fn run(command: OperatorCommand, out: &mut impl Write) -> anyhow::Result<()> {
    let flags = match command {
        OperatorCommand::Register(flags) => flags,
        OperatorCommand::Drain(flags) => return drain::run(flags, out).await,
        OperatorCommand::TokenKey(command) => return token_key::run(&command, out),
    };
    let (account, key) = (flags.account.open().await?, flags.account.public_key()?);
    register(&account, flags.job_manager, key)
        .await
        .with_context(|| format!("registering the key with JobManager {}", flags.job_manager))?;
    writeln!(out, "operator {} signs statements with the key {key}", account.address())?;
    writeln!(out, "tell your workers: CIRO_OPERATOR_ADDRESS and CIRO_OPERATOR_PUBLIC_KEY")?;
    Ok(())
}

/// Makes `key` the one that signs statements for the account, unless it is.
pub async fn register(
    account: &KeyedAccount,
    job_manager: Address,
    key: PublicKey,
) -> anyhow::Result<()> {
    let manager = JobManager { address: job_manager };
    if manager.operator_key(account.chain(), account.address()).await? != Some(key) {
        account.execute(vec![manager.register_operator(Some(key))]).await?;
    }
    Ok(())
}
