//! Ends a job without a result: the live row goes, the reason stays, the hold is voided, and whoever wants
//! to be told will be. One transaction.

use ciro_api::{JobId, JobStatus};
use ciro_paymaster::ledger;
use deadpool_postgres::Transaction;
use tokio_postgres::types::Json;

use crate::{database, observe, problem::ApiError, webhooks::outbox};

/// Why a job ends without a result.
pub(crate) struct Ending<'a> {
    pub(crate) job: JobId,
    /// The row must still be at this epoch, or someone else moved it.
    pub(crate) epoch: i64,
    pub(crate) status: JobStatus,
    pub(crate) reason: &'static str,
    pub(crate) detail: &'a str,
}

impl Ending<'_> {
    /// The requester wanted it no more.
    pub(crate) const fn canceled(job: JobId, epoch: i64) -> Self {
        let (status, reason) = (JobStatus::Canceled, "canceled");
        Self { job, epoch, status, reason, detail: "its requester canceled it" }
    }
}

/// Whether the job ended by this call. The caller commits.
pub(crate) async fn without_result(
    tx: &Transaction<'_>,
    ending: &Ending<'_>,
) -> Result<bool, ApiError> {
    let Ending { job, epoch, status, reason, detail } = ending;
    let ended = database::query_opt(
        tx,
        include_str!("end.sql"),
        &[&job.0, epoch, &status.as_str(), reason, detail],
    )
    .await?;
    let Some(row) = ended else {
        return Ok(false);
    };
    ledger::void(tx, *job).await.map_err(|e| ApiError::internal("voiding a hold", &e))?;
    if let Some(Json(webhook)) = row.try_get("webhook")? {
        outbox::write(tx, *job, *status, &webhook).await?;
    }
    observe::ended(row.try_get("model")?, *status);
    Ok(true)
}
