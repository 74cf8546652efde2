//! Closes receipts into statements. Sequence numbers per sponsor and worker have no gaps, since the chain
//! accepts only the next one: one closer at a time, and number and receipts in one transaction.

use std::time::Duration;

use ciro_api::{
    JobId, StatementId,
    hash::receipts::{Receipt, ReceiptsError, root},
    limits::RECEIPTS_MAX,
};
use tokio_postgres::{Client, Row, Transaction, types::Type};
use uuid::Uuid;

use crate::{
    Corrupt, StoreError,
    database::{bigint, word},
};

/// `ciro cl` in ASCII: any number that nobody else locks.
const LOCK: i64 = 0x6369_726f_636c;

/// Receipts that were not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The database did not answer or refused.
    #[error("could not close receipts into statements")]
    Database(#[from] tokio_postgres::Error),
    /// It holds something impossible.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The receipts make no tree.
    #[error("could not compute a statement's root")]
    Root(#[from] ReceiptsError),
    /// Some receipt was taken meanwhile.
    #[error("{taken} of {wanted} receipts of statement {statement} were free")]
    Taken {
        /// The statement.
        statement: StatementId,
        /// How many were closed into it.
        taken: u64,
        /// How many should have been.
        wanted: usize,
    },
}

impl From<StoreError> for CloseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => Self::Database(error),
            StoreError::Corrupt(error) => Self::Corrupt(error),
        }
    }
}

/// Closes every full statement, and every one whose oldest receipt has waited for `period`.
pub async fn close(client: &mut Client, period: Duration) -> Result<Vec<StatementId>, CloseError> {
    let tx = client.transaction().await?;
    let closed = close_in(&tx, period).await?;
    tx.commit().await?;
    Ok(closed)
}

/// Keeps every closer out until the transaction ends.
pub(crate) async fn keep_closers_out(tx: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    tx.execute_typed("select pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    Ok(())
}

/// The same inside the caller's transaction.
pub async fn close_in(
    tx: &Transaction<'_>,
    period: Duration,
) -> Result<Vec<StatementId>, CloseError> {
    keep_closers_out(tx).await?;
    let period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
    let full = i64::try_from(RECEIPTS_MAX).unwrap_or(i64::MAX);
    let due = tx
        .query_typed(include_str!("due.sql"), &[(&full, Type::INT8), (&period_ms, Type::INT8)])
        .await?;
    let mut closed = Vec::new();
    for pair in &due {
        closed.extend(close_pair(tx, pair).await?);
    }
    Ok(closed)
}

/// Full statements first; the rest only when it is overdue.
async fn close_pair(tx: &Transaction<'_>, pair: &Row) -> Result<Vec<StatementId>, CloseError> {
    let full = bigint(u64::try_from(RECEIPTS_MAX).unwrap_or(u64::MAX));
    let overdue: bool = pair.try_get("overdue")?;
    let mut waiting: i64 = pair.try_get("waiting")?;
    let mut closed = Vec::new();
    while waiting >= full || (overdue && waiting > 0) {
        closed.push(close_one(tx, pair, waiting.min(full)).await?);
        waiting -= full;
    }
    Ok(closed)
}

async fn close_one(tx: &Transaction<'_>, pair: &Row, most: i64) -> Result<StatementId, CloseError> {
    let sponsor_id: Uuid = pair.try_get("sponsor_id")?;
    let (sponsor, worker): (&str, &str) = (pair.try_get("sponsor")?, pair.try_get("worker")?);
    let rows = tx
        .query_typed(
            include_str!("unstated.sql"),
            &[(&sponsor_id, Type::UUID), (&worker, Type::TEXT), (&most, Type::INT8)],
        )
        .await?;
    let receipts: Vec<Receipt> = rows.iter().map(receipt).collect::<Result<_, _>>()?;
    let sum = root(&receipts)?;
    let statement = StatementId(Uuid::now_v7());
    let count = i32::try_from(receipts.len()).unwrap_or(i32::MAX);
    let (amount, hash) = (sum.sum.to_string(), sum.hash.to_string());
    let jobs: Vec<Uuid> = receipts.iter().map(|receipt| receipt.job.0).collect();
    let taken = tx
        .execute_typed(
            include_str!("insert.sql"),
            &[
                (&statement.0, Type::UUID),
                (&sponsor, Type::TEXT),
                (&worker, Type::TEXT),
                (&count, Type::INT4),
                (&amount, Type::TEXT),
                (&hash, Type::TEXT),
                (&jobs, Type::UUID_ARRAY),
            ],
        )
        .await?;
    if usize::try_from(taken).ok() == Some(receipts.len()) {
        Ok(statement)
    } else {
        Err(CloseError::Taken { statement, taken, wanted: receipts.len() })
    }
}

fn receipt(row: &Row) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        job: JobId(row.try_get("job_id")?),
        attestation: word(row, "attestation")?,
        amount: word(row, "amount")?,
    })
}
