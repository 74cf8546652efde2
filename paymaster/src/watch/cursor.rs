//! How far the mirror is, and of which contracts it is. One row.

use ciro_api::{Address, Felt, felt::Digest};
use ciro_contracts::Deployment;
use tokio_postgres::{Client, Transaction, types::Type};

use super::WatchError;
use crate::{
    StoreError,
    database::{bigint, count, word_or_null},
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) next_block: u64,
    pub(super) last_block_hash: Option<Digest>,
    pub(super) allowance_epoch_s: u64,
}

pub(super) async fn begin(
    client: &Client,
    deployment: &Deployment,
    operator: Address,
) -> Result<(), WatchError> {
    let words = [
        deployment.chain_id.to_string(),
        deployment.pool.to_string(),
        deployment.job_manager.to_string(),
        operator.to_string(),
    ];
    let first = bigint(deployment.deployed_at_block);
    let allowance_epoch_s = bigint(deployment.allowance_epoch_s);
    client
        .execute_typed(
            include_str!("begin.sql"),
            &[
                (&words[0], Type::TEXT),
                (&words[1], Type::TEXT),
                (&words[2], Type::TEXT),
                (&words[3], Type::TEXT),
                (&first, Type::INT8),
                (&allowance_epoch_s, Type::INT8),
            ],
        )
        .await?;
    let row = client.query_typed_one(include_str!("read.sql"), &[]).await?;
    let mut mirrored = Vec::with_capacity(words.len());
    for column in ["chain_id", "pool", "job_manager", "operator"] {
        mirrored.push(row.try_get::<_, String>(column)?);
    }
    if mirrored == words {
        Ok(())
    } else {
        let [chain_id, pool, job_manager, operator] = [0, 1, 2, 3].map(|i| &mirrored[i]);
        let mirrored = format!(
            "chain {chain_id}, pool {pool}, job manager {job_manager}, operator {operator}"
        );
        Err(WatchError::OtherDeployment { mirrored })
    }
}

pub(super) async fn read(client: &Client) -> Result<Cursor, StoreError> {
    let row = client.query_typed_one(include_str!("read.sql"), &[]).await?;
    Ok(Cursor {
        next_block: count(&row, "next_block")?,
        last_block_hash: word_or_null(&row, "last_block_hash")?,
        allowance_epoch_s: count(&row, "allowance_epoch_s")?,
    })
}

/// How far back the mirror can go: a day and more of mainnet.
const BLOCKS_KEPT: i64 = 20_000;

/// Moves the cursor on, and remembers that it was there; says no when somebody else has moved it meanwhile.
pub(super) async fn advance(
    tx: &Transaction<'_>,
    seen: &Cursor,
    next_block: u64,
    last_block_hash: Felt,
) -> Result<bool, StoreError> {
    let hash = Digest(last_block_hash);
    if !move_to(tx, seen, next_block, hash).await? {
        return Ok(false);
    }
    tx.execute_typed(
        include_str!("checkpoint.sql"),
        &[
            (&bigint(next_block), Type::INT8),
            (&hash.to_string(), Type::TEXT),
            (&BLOCKS_KEPT, Type::INT8),
        ],
    )
    .await?;
    Ok(true)
}

/// Moves the cursor from where we saw it, either way.
pub(super) async fn move_to(
    tx: &Transaction<'_>,
    seen: &Cursor,
    next_block: u64,
    last_block_hash: Digest,
) -> Result<bool, StoreError> {
    let (from, to) = (bigint(seen.next_block), bigint(next_block));
    let hash = last_block_hash.to_string();
    let moved = tx
        .execute_typed(
            include_str!("advance.sql"),
            &[(&from, Type::INT8), (&to, Type::INT8), (&hash, Type::TEXT)],
        )
        .await?;
    Ok(moved == 1)
}
