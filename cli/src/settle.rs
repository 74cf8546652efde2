//! `ciro worker settle`: has a worker paid from the statements on its own disk, with nobody's help but the chain's.
//!
//! Needs neither gateway nor paymaster. Never sends what the chain is known to refuse, and can be run again at any
//! time: the chain pays each statement once.

mod plan;
mod print;
mod send;

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail};
use ciro_api::TxHash;
use ciro_contracts::KeyedAccount;
use ciro_worker::statements::{KeptStatement, read_all};
use clap::{Args, Subcommand};

use crate::account::AccountFlags;

/// What workers do on chain.
#[derive(Subcommand)]
pub enum WorkerCommand {
    /// Settle the statements that both sides have signed, at most 50 in a transaction, without gateway or operator.
    Settle(SettleFlags),
}

/// Where the statements are, and who sends them. Any account will do: the pay goes to the worker.
#[derive(Args, Clone, Debug)]
pub struct SettleFlags {
    /// The worker's state directory, or a copy of it.
    #[arg(long, env = "CIRO_WORKER_STATE_DIR", default_value = ".ciro/worker")]
    pub worker_state_dir: PathBuf,
    /// The account that sends.
    #[command(flatten)]
    pub account: AccountFlags,
}

/// What became of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// This transaction paid it.
    Settled(TxHash),
    /// Somebody else was faster; it is paid.
    Meanwhile,
    /// It moved nothing.
    Refused {
        /// The contract's word for it, or ours.
        reason: String,
        /// The transaction that tried, if one did.
        tx_hash: Option<TxHash>,
    },
}

/// A statement that was not settled before, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The statement.
    pub statement: KeptStatement,
    /// What became of it.
    pub fate: Fate,
}

/// Everything that was found, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Those that the chain had not settled before.
    pub rows: Vec<Row>,
    /// How many it had.
    pub settled_before: usize,
    /// How many are of another chain than the node's.
    pub of_other_chains: usize,
}

impl Outcome {
    /// How many were refused.
    pub fn refused(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.fate, Fate::Refused { .. })).count()
    }
}

/// Runs the command. An error when anything was refused or could not be read, after the table that says what.
pub async fn run(command: WorkerCommand, out: &mut impl Write) -> anyhow::Result<()> {
    let WorkerCommand::Settle(SettleFlags { worker_state_dir: dir, account }) = command;
    let (kept, unreadable) =
        read_all(&dir).context("reading the worker's statements (--worker-state-dir)")?;
    if kept.is_empty() && unreadable.is_empty() {
        bail!(
            "{} holds no statement that both sides have signed: is it the worker's state directory?",
            dir.display()
        );
    }
    let mut outcome = Outcome::default();
    let sent = settle(&account.open().await?, kept, &mut outcome).await;
    print::outcome(out, &outcome)?;
    for error in &unreadable {
        writeln!(out, "not read: {error}")?;
    }
    sent.context("settling broke off; run it again, nothing is ever paid twice")?;
    match (outcome.refused(), unreadable.len()) {
        (0, 0) => Ok(()),
        (refused, unread) => bail!("{refused} statements were refused and {unread} not read"),
    }
}

/// Sends what the chain has not settled, in order. `outcome` says how far it came, whatever breaks off.
pub async fn settle(
    account: &KeyedAccount,
    kept: Vec<KeptStatement>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let ready = plan::plan(account.chain(), kept, outcome).await?;
    send::send(account, &ready, outcome).await
}
