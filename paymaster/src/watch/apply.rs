//! What each event changes. Runs inside the transaction that moves the cursor.

use std::collections::HashMap;

use ciro_api::{Address, Fri, PublicKey, StatementId, felt::Digest};
use ciro_contracts::{
    Event, Located,
    events::{Allowance, Amount, DepositChange, Refused, RegisteredModel, Settled},
};
use tokio_postgres::{
    Transaction,
    types::{ToSql, Type},
};

use super::WatchError;
use crate::{
    StoreError,
    database::{bigint, count, word},
    ledger, statements,
};

/// Locks every sponsor whose money moves, so that holds wait for all of it and nobody waits in a circle.
pub(super) async fn lock_sponsors(
    tx: &Transaction<'_>,
    events: &[Located],
) -> Result<(), WatchError> {
    let texts = |addresses: Vec<Address>| -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    };
    let sponsors = texts(events.iter().filter_map(sponsor).collect());
    let slashed = texts(events.iter().filter_map(slashed_worker).collect());
    if !sponsors.is_empty() || !slashed.is_empty() {
        tx.query_typed(
            include_str!("lock_sponsors.sql"),
            &[(&sponsors, Type::TEXT_ARRAY), (&slashed, Type::TEXT_ARRAY)],
        )
        .await?;
    }
    Ok(())
}

fn sponsor(located: &Located) -> Option<Address> {
    match &located.event {
        Event::Deposited(change)
        | Event::WithdrawalAnnounced(change)
        | Event::Withdrawn(change) => Some(change.sponsor),
        Event::AllowanceSet(allowance) => Some(allowance.sponsor),
        Event::StatementSettled(settled) => Some(settled.sponsor),
        _ => None,
    }
}

fn slashed_worker(located: &Located) -> Option<Address> {
    match &located.event {
        Event::Slashed(slashed) => Some(slashed.of),
        _ => None,
    }
}

/// What the mirror needs to know beside the events.
#[derive(Debug)]
pub(super) struct Scope {
    /// Whose deposits and allowances count.
    pub(super) operator: Address,
    /// How long an allowance lasts.
    pub(super) allowance_epoch_s: u64,
    /// When the blocks with settled statements were made, in seconds since 1970.
    pub(super) block_times: HashMap<u64, u64>,
}

impl Scope {
    fn epoch_of(&self, located: &Located) -> Result<u64, WatchError> {
        let time = self.block_times.get(&located.block).ok_or(WatchError::NoTime(located.block))?;
        Ok(time / self.allowance_epoch_s)
    }
}

pub(super) async fn apply(
    tx: &Transaction<'_>,
    located: &Located,
    scope: &Scope,
) -> Result<(), WatchError> {
    let operator = scope.operator;
    let block = located.block.to_string();
    tx.query_typed(include_str!("at_block.sql"), &[(&block, Type::TEXT)]).await?;
    let sql = match &located.event {
        Event::Deposited(change) if change.operator == operator => {
            return means(tx, include_str!("deposited.sql"), &of_sponsor(change)).await;
        }
        Event::WithdrawalAnnounced(change) if change.operator == operator => {
            (include_str!("withdrawal_announced.sql"), of_sponsor(change))
        }
        Event::Withdrawn(change) if change.operator == operator => {
            (include_str!("withdrawn.sql"), of_sponsor(change))
        }
        Event::AllowanceSet(allowance) if allowance.operator == operator => {
            return allow(tx, allowance).await;
        }
        Event::Staked(change) => return means(tx, include_str!("staked.sql"), change).await,
        Event::UnstakeAnnounced(change) => {
            return means(tx, include_str!("unstake_announced.sql"), change).await;
        }
        Event::Slashed(slashed) => return slash(tx, slashed.of).await,
        Event::WorkerDeregistered(worker) => {
            return run(tx, include_str!("deregistered.sql"), &[&worker.to_string()]).await;
        }
        Event::WorkerRegistered(worker, key) => return registered(tx, *worker, *key).await,
        Event::ModelRegistered(model) => return model_registered(tx, model).await,
        Event::StatementSettled(settled) if settled.operator == operator => {
            return settle(tx, located, settled, scope).await;
        }
        Event::StatementRefused(refused) if refused.operator == operator => {
            return refuse(tx, located, refused).await;
        }
        Event::Unstaked(change) => (include_str!("unstaked.sql"), *change),
        // Another operator's affairs, pay that has left the contracts, and what moves none of the mirrored money.
        Event::Deposited(_)
        | Event::WithdrawalAnnounced(_)
        | Event::Withdrawn(_)
        | Event::AllowanceSet(_)
        | Event::StatementSettled(_)
        | Event::StatementRefused(_)
        | Event::Claimed(_)
        | Event::Other(_) => return Ok(()),
    };
    amount(tx, sql.0, &sql.1).await
}

async fn run(
    tx: &Transaction<'_>,
    sql: &str,
    words: &[&(dyn ToSql + Sync)],
) -> Result<(), WatchError> {
    let typed: Vec<_> = words.iter().map(|word| (*word, Type::TEXT)).collect();
    tx.execute_typed(sql, &typed).await?;
    Ok(())
}

async fn amount(tx: &Transaction<'_>, sql: &str, change: &Amount) -> Result<(), WatchError> {
    run(tx, sql, &[&change.of.to_string(), &change.amount.to_string()]).await
}

/// A change after which a refused statement may have better luck.
async fn means(tx: &Transaction<'_>, sql: &str, change: &Amount) -> Result<(), WatchError> {
    amount(tx, sql, change).await?;
    run(tx, include_str!("try_again.sql"), &[&change.of.to_string()]).await
}

fn of_sponsor(change: &DepositChange) -> Amount {
    Amount { of: change.sponsor, amount: change.amount }
}

async fn allow(tx: &Transaction<'_>, set: &Allowance) -> Result<(), WatchError> {
    let sponsor = set.sponsor.to_string();
    let (per_epoch, before) = (set.per_epoch.to_string(), set.before.to_string());
    tx.execute_typed(
        include_str!("allowance_set.sql"),
        &[
            (&sponsor, Type::TEXT),
            (&per_epoch, Type::TEXT),
            (&bigint(set.counts_from), Type::INT8),
            (&before, Type::TEXT),
        ],
    )
    .await?;
    run(tx, include_str!("try_again.sql"), &[&sponsor]).await
}

async fn registered(
    tx: &Transaction<'_>,
    worker: Address,
    key: PublicKey,
) -> Result<(), WatchError> {
    let address = worker.to_string();
    run(tx, include_str!("worker_registered.sql"), &[&address, &key.to_string()]).await?;
    run(tx, include_str!("try_again.sql"), &[&address]).await
}

/// Voids all that the worker was not paid for yet. What is being stored or closed at this moment must be seen: so first
/// closers are kept out and the worker's row is taken, and a statement of its own, with a view of its own, voids.
async fn slash(tx: &Transaction<'_>, worker: Address) -> Result<(), WatchError> {
    let address = worker.to_string();
    statements::keep_closers_out(tx).await?;
    run(tx, include_str!("slashed.sql"), &[&address]).await?;
    run(tx, include_str!("void_unpaid.sql"), &[&address]).await
}

async fn model_registered(tx: &Transaction<'_>, model: &RegisteredModel) -> Result<(), WatchError> {
    let RegisteredModel { id, level, min_price, min_stake } = model;
    let words = [id.to_string(), level.to_string(), min_price.to_string(), min_stake.to_string()];
    let sql = include_str!("model_registered.sql");
    run(tx, sql, &[&words[0], &words[1], &words[2], &words[3]]).await
}

/// The deposit and the holds shrink together, so that at no moment more is free than the chain can pay.
async fn settle(
    tx: &Transaction<'_>,
    located: &Located,
    settled: &Settled,
    scope: &Scope,
) -> Result<(), WatchError> {
    let epoch = bigint(scope.epoch_of(located)?);
    let (sponsor, worker) = (settled.sponsor.to_string(), settled.worker.to_string());
    let amount = settled.amount.to_string();
    tx.execute_typed(
        include_str!("debited.sql"),
        &[(&sponsor, Type::TEXT), (&amount, Type::TEXT), (&epoch, Type::INT8)],
    )
    .await?;
    let (seq, hash) = (bigint(settled.seq), located.tx_hash.to_string());
    let row = tx
        .query_typed_opt(
            include_str!("settled.sql"),
            &[
                (&sponsor, Type::TEXT),
                (&worker, Type::TEXT),
                (&seq, Type::INT8),
                (&hash, Type::TEXT),
                (&bigint(located.block), Type::INT8),
            ],
        )
        .await?
        .ok_or_else(|| WatchError::mismatch(settled, "there is no such unsettled statement"))?;
    let stated: (u64, Fri, Digest) = (
        count(&row, "count").map_err(StoreError::from)?,
        word(&row, "amount").map_err(StoreError::from)?,
        word(&row, "root").map_err(StoreError::from)?,
    );
    if stated != (settled.count, settled.amount, settled.receipts) {
        let detail = format!("{} receipts, {} fri, root {}", stated.0, stated.1, stated.2);
        return Err(WatchError::mismatch(settled, detail));
    }
    let posted = ledger::post(tx, StatementId(row.try_get("statement_id")?)).await?;
    if posted == settled.count {
        Ok(())
    } else {
        Err(WatchError::mismatch(settled, format!("{posted} receipts were still held")))
    }
}

async fn refuse(
    tx: &Transaction<'_>,
    located: &Located,
    refused: &Refused,
) -> Result<(), WatchError> {
    let (sponsor, worker) = (refused.sponsor.to_string(), refused.worker.to_string());
    let (seq, hash) = (bigint(refused.seq), located.tx_hash.to_string());
    tx.execute_typed(
        include_str!("refused.sql"),
        &[
            (&sponsor, Type::TEXT),
            (&worker, Type::TEXT),
            (&seq, Type::INT8),
            (&refused.reason, Type::TEXT),
            (&hash, Type::TEXT),
        ],
    )
    .await?;
    Ok(())
}
