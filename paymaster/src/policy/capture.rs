//! Ends a reservation: with what the operation did cost, or with nothing, because nothing was sent.

use ciro_api::{Fri, JobId, OperationId};
use tokio_postgres::{Transaction, types::Type};

use crate::{
    Corrupt,
    database::word,
    ledger::{self, VoidError},
};

/// A reservation that was not ended by this.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// There never was one, or it has ended.
    #[error("operation {0} has no open reservation")]
    NotReserved(OperationId),
    /// It cost nothing, so nothing was sent for it.
    #[error("operation {0} cost nothing; release it")]
    NothingSpent(OperationId),
    /// Its money is not where it was put.
    #[error("the hold of operation {0} is not pending")]
    HoldGone(OperationId),
    /// Its hold.
    #[error(transparent)]
    Void(#[from] VoidError),
    /// The database did not answer or refused.
    #[error("could not end the reservation")]
    Database(#[from] tokio_postgres::Error),
    /// It holds something impossible.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Captures what the operation did cost, and frees the rest. What was reserved is the most that is ever captured: beyond it, the
/// cost is ours. Returns what is captured; it stays held until a statement settles it.
pub async fn capture(
    tx: &Transaction<'_>,
    operation: OperationId,
    cost: Fri,
) -> Result<Fri, EndError> {
    if cost == Fri::ZERO {
        return Err(EndError::NothingSpent(operation));
    }
    let text = cost.to_string();
    let rows = tx
        .query_typed(
            include_str!("capture.sql"),
            &[(&operation.0, Type::UUID), (&text, Type::TEXT)],
        )
        .await?;
    let row = rows.first().ok_or(EndError::NotReserved(operation))?;
    if row.try_get::<_, i64>("freed")? != 1 {
        return Err(EndError::HoldGone(operation));
    }
    Ok(word(row, "fee")?)
}

/// Gives everything back.
pub async fn release(tx: &Transaction<'_>, operation: OperationId) -> Result<(), EndError> {
    let rows = tx.query_typed(include_str!("release.sql"), &[(&operation.0, Type::UUID)]).await?;
    let released = rows.first().is_some_and(|row| row.get::<_, i64>(0) == 1);
    if !released {
        return Err(EndError::NotReserved(operation));
    }
    Ok(ledger::void(tx, JobId(operation.0)).await?)
}
