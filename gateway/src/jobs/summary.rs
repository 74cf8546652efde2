//! Reads a job as lists show it: where it stands, without what went in or came out.

use ciro_api::{DeviceId, JobId, rest::jobs::JobSummary};
use tokio_postgres::Row;

use super::show;
use crate::{app::App, database::read as read_word, models, problem::ApiError};

/// The job of a row with `job_id`, `device_id`, `model_id`, `created_at`, `state`, `status`, `reason` and `finished_at`.
pub(super) async fn read(app: &App, row: &Row) -> Result<JobSummary, ApiError> {
    let model = models::stored(app, read_word(row, "model_id")?).await?;
    Ok(JobSummary {
        id: JobId(row.try_get("job_id")?),
        status: show::status(row)?,
        model: model.manifest.name.clone(),
        model_id: model.id,
        device: DeviceId(row.try_get("device_id")?),
        created_at: row.try_get("created_at")?,
        finished_at: row.try_get("finished_at")?,
        reason: row.try_get("reason")?,
    })
}
