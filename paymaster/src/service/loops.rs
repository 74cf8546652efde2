//! The loops that mirror and settle. Each waits its interval after a success, longer and longer after failures, and ends at once
//! when it is told to stop.

use std::{error::Error, time::Duration};

use ciro_contracts::Chain;
use deadpool_postgres::{Object, Pool, PoolError};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::{Config, SigningDesk};
use crate::{
    backoff::Backoff,
    health::{Board, Part, StatementCounts},
    observe,
    settle::{Settler, Step},
    statements,
    watch::Watcher,
};

/// How often what is not counted as it happens is looked at.
const MEASURE: Duration = Duration::from_secs(10);

/// The causes too: our errors say what was being done, their sources why it failed.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// Waits; says no when it is time to stop.
pub(super) async fn rest(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// A connection of this loop's own, kept until it breaks: session locks live on it.
pub(super) async fn keep<'a>(
    slot: &'a mut Option<Object>,
    pool: &Pool,
) -> Result<&'a mut Object, PoolError> {
    if slot.as_ref().is_none_or(|client| client.is_closed()) {
        *slot = Some(pool.get().await?);
    }
    slot.as_mut().ok_or(PoolError::Closed)
}

pub(super) fn failed(board: &Board, part: Part, error: &dyn Error, wait: Duration) {
    let words = in_words(error);
    observe::failed(match part {
        Part::Watcher => "watcher",
        Part::Closer => "closer",
        Part::Settler => "settler",
        Part::Relayer(_) => "relayer",
        Part::Treasurer => "treasurer",
        Part::Collector => "collector",
    });
    tracing::warn!(?part, error = words, ?wait, "failed; trying again");
    board.problem(part, Some(words));
}

pub(super) async fn watch(
    config: &Config,
    pool: &Pool,
    watcher: Watcher,
    board: &Board,
    halted: &CancellationToken,
    stop: &CancellationToken,
) {
    let mut slot = None;
    let mut backoff = Backoff::new(config.watch_interval);
    loop {
        let wait = match keep(&mut slot, pool).await {
            Err(error) => {
                let wait = backoff.next();
                failed(board, Part::Watcher, &error, wait);
                wait
            }
            Ok(client) => match watcher.step(client).await {
                Ok(progress) => {
                    backoff.reset();
                    board.mirrored(progress);
                    observe::mirrored(progress);
                    board.problem(Part::Watcher, None);
                    if progress.lag_blocks() > 0 { Duration::ZERO } else { config.watch_interval }
                }
                Err(error) if error.is_fatal() => {
                    let words = in_words(&error);
                    tracing::error!(error = words, "the mirror has stopped for good");
                    board.problem(Part::Watcher, Some(words));
                    // Nothing that is settled from now on would be seen.
                    halted.cancel();
                    return;
                }
                Err(error) => {
                    board.chain_away();
                    observe::chain_away();
                    let wait = backoff.next();
                    failed(board, Part::Watcher, &error, wait);
                    wait
                }
            },
        };
        if !rest(wait, stop).await {
            return;
        }
    }
}

/// Closes, then signs. What cannot be signed yet does not keep receipts from being closed.
async fn close_and_sign(
    client: &mut Client,
    desk: &mut SigningDesk,
    period: Duration,
) -> Result<(), String> {
    for statement in statements::close(client, period).await.map_err(|error| in_words(&error))? {
        observe::closed();
        tracing::info!(%statement, "closed");
    }
    for statement in desk.sign(client).await.map_err(|error| in_words(&error))? {
        observe::signed();
        tracing::info!(%statement, "signed");
    }
    Ok(())
}

pub(super) async fn close(
    config: &Config,
    pool: &Pool,
    mut desk: SigningDesk,
    board: &Board,
    stop: &CancellationToken,
) {
    let mut slot = None;
    let mut backoff = Backoff::new(config.close_interval);
    loop {
        let done = match keep(&mut slot, pool).await {
            Err(error) => Err(in_words(&error)),
            Ok(client) => close_and_sign(client, &mut desk, config.statement_period).await,
        };
        let wait = match done {
            Ok(()) => {
                backoff.reset();
                board.problem(Part::Closer, None);
                config.close_interval
            }
            Err(words) => {
                let wait = backoff.next();
                tracing::warn!(
                    error = words,
                    ?wait,
                    "could not close or sign statements; trying again"
                );
                observe::failed("closer");
                board.problem(Part::Closer, Some(words));
                wait
            }
        };
        if !rest(wait, stop).await {
            return;
        }
    }
}

pub(super) async fn settle(
    config: &Config,
    pool: &Pool,
    settler: Settler,
    board: &Board,
    halted: &CancellationToken,
    stop: &CancellationToken,
) {
    let mut slot = None;
    let mut backoff = Backoff::new(config.settle_interval);
    while !halted.is_cancelled() {
        // A database that was restored says of much that it is still to be settled; the chain knows better.
        if !board.is_current() {
            if !rest(config.settle_interval, stop).await {
                return;
            }
            continue;
        }
        let wait = match keep(&mut slot, pool).await {
            Err(error) => {
                let wait = backoff.next();
                failed(board, Part::Settler, &error, wait);
                wait
            }
            Ok(client) => {
                match settler.step(client).await.inspect(|step| observe::settled(*step)) {
                    Ok(Step::Failed) => backoff.next(),
                    Ok(Step::Idle | Step::Sent(_) | Step::Waiting) => {
                        backoff.reset();
                        board.problem(Part::Settler, None);
                        config.settle_interval
                    }
                    Err(error) => {
                        let wait = backoff.next();
                        failed(board, Part::Settler, &error, wait);
                        wait
                    }
                }
            }
        };
        if !rest(wait, stop).await {
            return;
        }
    }
}

/// Looks at what nobody counts, if anybody measures.
pub(super) async fn measure(
    measured: bool,
    config: &Config,
    pool: &Pool,
    chain: &Chain,
    stop: &CancellationToken,
) {
    if !measured {
        return;
    }
    observe::greet();
    loop {
        observe::balance(chain, config.deployment.token, config.operator).await;
        // A database that is away is told by every other loop.
        if let Ok(client) = pool.get().await
            && let Ok(counts) = StatementCounts::read(&client).await
        {
            observe::statements(&counts);
        }
        if !rest(MEASURE, stop).await {
            return;
        }
    }
}
