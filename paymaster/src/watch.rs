//! Mirrors the chain into the database. Never advances its cursor without the effects, nor the other way round.
//!
//! All events of a range of blocks and the cursor move in one transaction, so a crash repeats the range from the
//! start and nothing counts twice. When the chain has forgotten the last block that we read, the mirror goes back to where both
//! agree, and reads on from there. One that has nothing in common with us (a development chain that began anew) stops the
//! watcher for good; somebody has to look.

mod apply;
mod cursor;
mod rewind;

use std::collections::HashMap;

use ciro_api::{Address, Felt, felt::Digest};
use ciro_contracts::{
    Chain, ChainError, Deployment, Event, EventError, Located, chain::Head, events::Settled,
};
use tokio_postgres::Client;

use crate::StoreError;
use cursor::Cursor;
use rewind::Standing;

/// Most blocks in one step: what common nodes search at once.
const BLOCKS_PER_STEP: u64 = 1_000;

/// A step that came to nothing: cursor and mirror are as before.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The chain did not answer or refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database did not answer or holds something impossible.
    #[error("could not read or write the mirror of the chain")]
    Store(#[from] StoreError),
    /// One of our contracts said something that we do not understand.
    #[error("could not read an event")]
    Event(#[from] EventError),
    /// The database mirrors other contracts.
    #[error(
        "the database mirrors {mirrored}, not the contracts of the deployment file: use another database"
    )]
    OtherDeployment {
        /// What it mirrors.
        mirrored: String,
    },
    /// The node knows less of the chain than we have read.
    #[error("the node is at block {head} and the mirror is past it; waiting for the node")]
    Behind {
        /// Where the node is.
        head: u64,
    },
    /// The chain is not the one we have read so far.
    #[error(
        "the chain has forgotten block {block} ({expected}) and everything else of late: it began anew, \
         and the mirror must be rebuilt by hand"
    )]
    Diverged {
        /// The last block we read.
        block: u64,
        /// Its hash then.
        expected: Digest,
    },
    /// A block with a settled statement came without its time: our own slip.
    #[error("the time of block {0} was not read")]
    NoTime(u64),
    /// The chain settled something that we did not state.
    #[error("the chain settled {settled:?}, and our books say otherwise: {detail}")]
    Mismatch {
        /// What the chain says.
        settled: Box<Settled>,
        /// What differs.
        detail: String,
    },
}

impl From<tokio_postgres::Error> for WatchError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(StoreError::Database(error))
    }
}

impl WatchError {
    fn mismatch(settled: &Settled, detail: impl Into<String>) -> Self {
        Self::Mismatch { settled: Box::new(*settled), detail: detail.into() }
    }

    /// Whether trying again is of no use: somebody has to look.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Chain(_) | Self::Store(_) | Self::Behind { .. })
    }
}

/// How far the mirror is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The newest block there is.
    pub head: u64,
    /// The first block that is not mirrored yet.
    pub next_block: u64,
    /// How many events this step applied.
    pub events: usize,
}

impl Progress {
    /// How many blocks the mirror is behind.
    pub fn lag_blocks(&self) -> u64 {
        (self.head + 1).saturating_sub(self.next_block)
    }
}

/// The one that reads.
#[derive(Debug)]
pub struct Watcher {
    chain: Chain,
    deployment: Deployment,
    operator: Address,
}

impl Watcher {
    /// A watcher of the deployment's contracts; `operator` is whose allowances count.
    pub fn new(chain: Chain, deployment: Deployment, operator: Address) -> Self {
        Self { chain, deployment, operator }
    }

    /// Writes the first cursor, or checks that the one there is of the same contracts. Needs no chain.
    pub async fn begin(&self, client: &Client) -> Result<(), WatchError> {
        cursor::begin(client, &self.deployment, self.operator).await
    }

    /// Mirrors the next range of blocks.
    ///
    /// Two watchers at once are slow and harmless: the second waits for the first one's cursor and finds it moved.
    pub async fn step(&self, client: &mut Client) -> Result<Progress, WatchError> {
        let head = self.chain.head().await?;
        let seen = cursor::read(client).await?;
        match self.standing(client, head, &seen).await? {
            Standing::Same => {}
            Standing::Behind => return Err(WatchError::Behind { head: head.number }),
            Standing::Diverged => return self.rewind(client, head, &seen).await,
        }
        let mut progress = Progress { head: head.number, next_block: seen.next_block, events: 0 };
        if seen.next_block > head.number {
            return Ok(progress);
        }
        let last = head.number.min(seen.next_block + BLOCKS_PER_STEP - 1);
        let hash = self.hash_of(last, head).await?;
        let contracts = [self.deployment.pool, self.deployment.job_manager];
        let raw = self.chain.events(&contracts, seen.next_block, last).await?;
        let events: Vec<Located> = raw.iter().map(Located::decode).collect::<Result<_, _>>()?;
        let scope = self.scope(&seen, &events).await?;
        let tx = client.transaction().await?;
        if !cursor::advance(&tx, &seen, last + 1, hash).await? {
            return Ok(progress);
        }
        apply::lock_sponsors(&tx, &events).await?;
        for located in &events {
            apply::apply(&tx, located, &scope).await?;
        }
        tx.commit().await?;
        progress.next_block = last + 1;
        progress.events = events.len();
        for located in &events {
            log(located);
        }
        Ok(progress)
    }

    async fn scope(&self, seen: &Cursor, events: &[Located]) -> Result<apply::Scope, ChainError> {
        let mut block_times = HashMap::new();
        for located in events {
            if matches!(located.event, Event::StatementSettled(_))
                && !block_times.contains_key(&located.block)
            {
                let time = self.chain.block_timestamp(located.block).await?;
                block_times.insert(located.block, time);
            }
        }
        let allowance_epoch_s = seen.allowance_epoch_s;
        Ok(apply::Scope { operator: self.operator, allowance_epoch_s, block_times })
    }

    async fn hash_of(&self, block: u64, head: Head) -> Result<Felt, ChainError> {
        if block == head.number {
            return Ok(head.hash);
        }
        let detail = || format!("block {block} is missing below the newest one");
        self.chain.block_hash(block).await?.ok_or_else(|| ChainError::Unexpected {
            doing: "read a block's hash",
            detail: detail(),
        })
    }
}

fn log(located: &Located) {
    let Located { block, tx_hash, event } = located;
    match event {
        Event::StatementRefused(refused) => {
            tracing::warn!(block, %tx_hash, ?refused, "the chain refused a statement");
        }
        event => tracing::info!(block, %tx_hash, ?event, "mirrored"),
    }
}
