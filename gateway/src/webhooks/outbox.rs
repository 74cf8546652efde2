//! Writes down that a job has ended, for whoever wants to be told: in the transaction that ends it, so that there is no
//! end without its event and no event without its end.

use ciro_api::{EventId, JobId, JobStatus, rest::webhooks::Webhook};
use deadpool_postgres::Transaction;
use url::Url;
use uuid::Uuid;

use crate::{database, problem::ApiError};

/// Writes the event of a job whose final row this transaction has written.
pub(crate) async fn write(
    tx: &Transaction<'_>,
    job: JobId,
    status: JobStatus,
    webhook: &Webhook,
) -> Result<(), ApiError> {
    let Some(kind) = status.event().filter(|kind| webhook.events.contains(kind)) else {
        return Ok(());
    };
    let url = Url::parse(&webhook.url).map_err(|e| ApiError::internal("reading a webhook", &e))?;
    let event = EventId(Uuid::now_v7());
    database::execute(
        tx,
        include_str!("outbox.sql"),
        &[&event.0, &job.0, &kind.as_str(), &webhook.url, &url.host_str()],
    )
    .await?;
    Ok(())
}
