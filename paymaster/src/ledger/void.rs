//! Gives a hold back: the job ended without a result.

use ciro_api::JobId;
use tokio_postgres::{Transaction, types::Type};

/// A hold that was not given back.
#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    /// The job has no pending hold: there never was one, or it is voided or earned.
    #[error("job {0} has no pending hold to void")]
    NotPending(JobId),
    /// The database did not answer or refused.
    #[error("could not void the hold")]
    Database(#[from] tokio_postgres::Error),
}

/// Frees what was held for `job`. Only once, and never after it was earned.
pub async fn void(tx: &Transaction<'_>, job: JobId) -> Result<(), VoidError> {
    let freed = tx.query_typed_one(include_str!("void.sql"), &[(&job.0, Type::UUID)]).await?;
    if freed.get::<_, i64>(0) == 1 { Ok(()) } else { Err(VoidError::NotPending(job)) }
}
