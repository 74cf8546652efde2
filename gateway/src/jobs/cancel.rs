//! Cancels a job: one that waits ends at once; of one that runs, its worker is told. Never takes a job away from a worker
//! that runs it, so nobody sees what a run makes and then has it for nothing.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use ciro_api::{DeviceId, ErrorCode, JobId, JobStatus, PoolName, Problem, rest::jobs::Job};

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
    reply::Reply,
    wake::Event,
};

/// Cancels a job. A queued one ends at once. The worker of a running one is told at its next heartbeat: the job ends when
/// it gives the job back, fails or vanishes, and its result still counts if it was done. Asking again is as good.
#[utoipa::path(post, operation_id = "cancel_job", path = "/v1/jobs/{id}/cancel", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, body = Job, description = "Canceled, by this call or an earlier one"),
        (status = 202, body = Job, description = "It runs; its worker will be told"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It ended otherwise"),
))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
) -> Result<(StatusCode, Reply<Job>), ApiError> {
    let job = run(&app, device, id).await?;
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Reply(job)))
}

/// Ends the job if it is queued, or has its worker asked for it; otherwise this is an error.
pub(crate) async fn run(app: &Arc<App>, device: Device, id: JobId) -> Result<Job, ApiError> {
    // A task of its own: a client that hangs up must not leave the index behind the database.
    let ending = tokio::spawn(end_or_ask(Arc::clone(app), device.id, id));
    ending.await.map_err(|e| ApiError::internal("canceling a job", &e))??;
    let job = show::job(app, device.id, id).await?;
    if job.status == JobStatus::Canceled || (job.cancel_requested && !job.status.is_final()) {
        return Ok(job);
    }
    let detail = format!("job {id} has {} already; there is nothing to cancel", job.status);
    Err(ApiError::new(ErrorCode::JobAlreadyFinished, detail))
}

/// Ends the job if it is queued, and has its worker asked if it runs. One that is not live is left to the caller.
async fn end_or_ask(app: Arc<App>, device: DeviceId, id: JobId) -> Result<(), ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let found =
        database::query_opt(&tx, include_str!("cancelable.sql"), &[&id.0, &device.0]).await?;
    let Some(row) = found else {
        return Ok(());
    };
    if row.try_get::<_, String>("state")? != "queued" {
        database::execute(&tx, include_str!("ask_to_cancel.sql"), &[&id.0]).await?;
        return Ok(tx.commit().await?);
    }
    let pool: PoolName = read(&row, "pool")?;
    end::without_result(&tx, &Ending::canceled(id, row.try_get("epoch")?)).await?;
    tx.commit().await?;
    drop(client);
    if let Err(error) = app.queue.drop_jobs(&pool, &[id]).await {
        // Whoever pops it finds no row and drops it.
        tracing::warn!(job = %id, %error, "a canceled job stays in the index until it is popped");
    }
    app.wake.announce(&app.queue, Event::Ended(id)).await;
    Ok(())
}
