//! Cancels a job that no worker has begun. Never takes a job away from a worker that runs it.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::{DeviceId, ErrorCode, JobId, JobStatus, ModelId, Problem, rest::jobs::Job};

use super::{
    end::{self, Ending},
    show,
};
use crate::{
    app::App,
    auth::Device,
    database::{self, read},
    extract::PathParam,
    problem::ApiError,
    wake::Event,
};

/// Ends a queued job at its requester's wish; its sponsor pays nothing. Canceling it again gives the same answer.
#[utoipa::path(post, operation_id = "cancel_job", path = "/v1/jobs/{id}/cancel", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, body = Job, description = "Canceled, by this call or an earlier one"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It runs, or it ended otherwise"),
))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
) -> Result<Json<Job>, ApiError> {
    run(&app, device, id).await.map(Json)
}

/// Ends the job if it is queued; it is canceled now, or this is an error.
pub(crate) async fn run(app: &Arc<App>, device: Device, id: JobId) -> Result<Job, ApiError> {
    // A task of its own: a client that hangs up must not leave the index behind the database.
    let ending = tokio::spawn(end_queued(Arc::clone(app), device.id, id));
    ending.await.map_err(|e| ApiError::internal("canceling a job", &e))??;
    let job = show::job(app, device.id, id).await?;
    if job.status == JobStatus::Canceled {
        return Ok(job);
    }
    let detail = format!("job {id} has {} already; there is nothing to cancel", job.status);
    Err(ApiError::new(ErrorCode::JobAlreadyFinished, detail))
}

/// Ends the job if it is queued. One that is not live any more is left to the caller.
async fn end_queued(app: Arc<App>, device: DeviceId, id: JobId) -> Result<(), ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let found =
        database::query_opt(&tx, include_str!("cancelable.sql"), &[&id.0, &device.0]).await?;
    let Some(row) = found else {
        return Ok(());
    };
    if row.try_get::<_, String>("state")? != "queued" {
        let detail = format!("a worker runs job {id}; only a queued job can be canceled");
        return Err(ApiError::new(ErrorCode::JobRunning, detail));
    }
    let model: ModelId = read(&row, "model_id")?;
    let ending = Ending {
        job: id,
        epoch: row.try_get("epoch")?,
        status: JobStatus::Canceled,
        reason: "canceled",
        detail: "its requester canceled it",
    };
    end::without_result(&tx, &ending).await?;
    tx.commit().await?;
    drop(client);
    if let Err(error) = app.queue.drop_jobs(model, &[id]).await {
        // Whoever pops it finds no row and drops it.
        tracing::warn!(job = %id, %error, "a canceled job stays in the index until it is popped");
    }
    app.wake.announce(&app.queue, Event::Ended(id)).await;
    Ok(())
}
