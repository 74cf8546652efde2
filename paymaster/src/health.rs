//! What `GET /health` says: is the chain there, how far is the mirror, where do statements stand. Never a secret.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use ciro_api::Address;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::{StoreError, database::count, watch::Progress};

/// The paymaster's health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or `degraded` when `problems` says why.
    pub status: String,
    /// What stands in the way, in words.
    pub problems: Vec<String>,
    /// The chain and its mirror.
    pub chain: ChainHealth,
    /// How many statements stand where.
    pub statements: StatementCounts,
    /// Whose allowances we spend.
    pub operator: Address,
}

/// The chain and its mirror.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHealth {
    /// Whether the node answered the last time.
    pub reachable: bool,
    /// The newest block.
    pub head: u64,
    /// The first block that is not mirrored yet.
    pub cursor: u64,
    /// How many blocks the mirror is behind.
    pub lag_blocks: u64,
}

/// How many statements stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementCounts {
    /// Waiting for a countersignature.
    pub closed: u64,
    /// Of those neither settled nor voided: not signed by the operator.
    pub unsigned: u64,
    /// Waiting to be sent.
    pub countersigned: u64,
    /// Sent and not seen on chain yet.
    pub sent: u64,
    /// Settled.
    pub settled: u64,
    /// Of those not settled: refused by the chain the last time.
    pub refused: u64,
    /// Of those countersigned: more than the sponsor's deposit and allowance cover.
    pub uncovered: u64,
}

impl StatementCounts {
    /// Counts them.
    pub async fn read(client: &Client) -> Result<Self, StoreError> {
        let row = client.query_typed_one(include_str!("health/statements.sql"), &[]).await?;
        Ok(Self {
            closed: count(&row, "closed")?,
            unsigned: count(&row, "unsigned")?,
            countersigned: count(&row, "countersigned")?,
            sent: count(&row, "sent")?,
            settled: count(&row, "settled")?,
            refused: count(&row, "refused")?,
            uncovered: count(&row, "uncovered")?,
        })
    }
}

/// Who has a problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Watcher,
    Closer,
    Settler,
    /// By its address.
    Relayer(String),
    Treasurer,
    Collector,
}

/// What the loops know, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    chain: ChainHealth,
    problems: BTreeMap<Part, String>,
}

impl Board {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn mirrored(&self, progress: Progress) {
        let chain = ChainHealth {
            reachable: true,
            head: progress.head,
            cursor: progress.next_block,
            lag_blocks: progress.lag_blocks(),
        };
        self.change(|state| state.chain = chain);
    }

    /// Whether the mirror was at the newest block when it looked last.
    pub(crate) fn is_current(&self) -> bool {
        let chain = self.0.lock().unwrap_or_else(PoisonError::into_inner).chain;
        chain.reachable && chain.lag_blocks == 0
    }

    pub(crate) fn chain_away(&self) {
        self.change(|state| state.chain.reachable = false);
    }

    pub(crate) fn problem(&self, part: Part, problem: Option<String>) {
        self.change(|state| match problem {
            Some(problem) => drop(state.problems.insert(part, problem)),
            None => drop(state.problems.remove(&part)),
        });
    }

    pub(crate) fn health(&self, statements: StatementCounts, operator: Address) -> Health {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut problems: Vec<String> = state.problems.values().cloned().collect();
        if statements.refused > 0 {
            problems.push(format!("the chain refused {} statements", statements.refused));
        }
        if statements.uncovered > 0 {
            problems.push(format!(
                "{} statements wait for a deposit or an allowance",
                statements.uncovered
            ));
        }
        let ok = problems.is_empty() && state.chain.reachable;
        let status = if ok { "ok" } else { "degraded" }.to_owned();
        Health { status, problems, chain: state.chain, statements, operator }
    }
}
