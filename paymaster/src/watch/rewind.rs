//! Takes the mirror back to where it and the chain agree, when the chain has taken blocks back.

use ciro_api::{Felt, felt::Digest};
use ciro_contracts::{ChainError, chain::Head};
use tokio_postgres::{Client, types::Type};

use super::{
    Progress, WatchError, Watcher,
    cursor::{self, Cursor},
};
use crate::database::{bigint, count, word};

/// A place that the cursor has been at.
#[derive(Clone, Copy, Debug)]
struct Checkpoint {
    next_block: u64,
    /// Of the block before it.
    hash: Digest,
}

/// Whether the chain still has what we have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Same,
    /// As far as it goes: the node lags, or the chain has just become shorter. Time tells.
    Behind,
    /// It does not.
    Diverged,
}

impl Watcher {
    pub(super) async fn standing(
        &self,
        client: &Client,
        head: Head,
        seen: &Cursor,
    ) -> Result<Standing, WatchError> {
        let Some(expected) = seen.last_block_hash else { return Ok(Standing::Same) };
        let last = Checkpoint { next_block: seen.next_block, hash: expected };
        if self.agrees(head, last).await? {
            return Ok(Standing::Same);
        }
        if head.number + 1 >= seen.next_block {
            return Ok(Standing::Diverged);
        }
        let checkpoints = checkpoints(client).await?;
        let below = checkpoints.iter().rev().find(|place| place.next_block <= head.number + 1);
        match below {
            Some(below) if self.agrees(head, *below).await? => Ok(Standing::Behind),
            _ => Ok(Standing::Diverged),
        }
    }

    /// Whether the chain has the block before this place.
    async fn agrees(&self, head: Head, place: Checkpoint) -> Result<bool, ChainError> {
        let block = place.next_block.saturating_sub(1);
        if block > head.number {
            return Ok(false);
        }
        Ok(self.hash_of(block, head).await? == place.hash.0)
    }

    /// Goes back to the newest place where both agree. Ledger and relayers go back with the mirror, in one transaction: what was
    /// settled in the blocks that are gone is owed again, and what was relayed in them is sent again.
    pub(super) async fn rewind(
        &self,
        client: &mut Client,
        head: Head,
        seen: &Cursor,
    ) -> Result<Progress, WatchError> {
        let block = seen.next_block.saturating_sub(1);
        let expected = seen.last_block_hash.unwrap_or(Digest(Felt::ZERO));
        let common = self.common(client, head).await?;
        let Checkpoint { next_block, hash } =
            common.ok_or(WatchError::Diverged { block, expected })?;
        let progress = Progress { head: head.number, next_block, events: 0 };
        let tx = client.transaction().await?;
        if !cursor::move_to(&tx, seen, next_block, hash).await? {
            return Ok(progress);
        }
        let first = bigint(next_block);
        let of: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 1] = [(&first, Type::INT8)];
        // Relayers lock their transactions before they lock sponsors.
        let relayed = tx.query_typed_one(include_str!("reopen.sql"), &of).await?;
        tx.query_typed(include_str!("lock_all.sql"), &[]).await?;
        let unsettled = tx.query_typed_one(include_str!("unsettle.sql"), &of).await?;
        tx.query_typed(include_str!("take_back.sql"), &of).await?;
        let relayed: i64 = relayed.try_get(0)?;
        let unsettled: i64 = unsettled.try_get(0)?;
        tx.commit().await?;
        tracing::error!(
            from = seen.next_block,
            to = next_block,
            unsettled,
            relayed,
            "the chain has taken blocks back; the mirror has followed"
        );
        crate::observe::taken_back();
        Ok(progress)
    }

    /// The newest place where both agree. All older ones agree too, so that few need to be asked about.
    async fn common(&self, client: &Client, head: Head) -> Result<Option<Checkpoint>, WatchError> {
        let checkpoints = checkpoints(client).await?;
        let (mut agreeing, mut disagreeing) = (0, checkpoints.len());
        while agreeing < disagreeing {
            let middle = agreeing.midpoint(disagreeing);
            if self.agrees(head, checkpoints[middle]).await? {
                agreeing = middle + 1;
            } else {
                disagreeing = middle;
            }
        }
        Ok(agreeing.checked_sub(1).map(|newest| checkpoints[newest]))
    }
}

/// In rising order.
async fn checkpoints(client: &Client) -> Result<Vec<Checkpoint>, WatchError> {
    let rows = client.query_typed(include_str!("checkpoints.sql"), &[]).await?;
    let mut checkpoints = Vec::with_capacity(rows.len());
    for row in &rows {
        let next_block = count(row, "next_block").map_err(crate::StoreError::from)?;
        let hash = word(row, "hash").map_err(crate::StoreError::from)?;
        checkpoints.push(Checkpoint { next_block, hash });
    }
    Ok(checkpoints)
}
