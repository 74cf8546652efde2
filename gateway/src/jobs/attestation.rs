//! Gives the requester the worker's signed word about its job, with all that it takes to check it alone.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{ErrorCode, JobId, Problem, rest::evidence::JobAttestation};

use super::show;
use crate::{app::App, auth::Device, extract::PathParam, problem::ApiError, reply::Reply};

/// The attestation of a job that succeeded: everything that a contract, or anybody, needs to check the worker's signature.
#[utoipa::path(get, operation_id = "get_attestation", path = "/v1/jobs/{id}/attestation", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job")), responses(
    (status = 200, body = JobAttestation, description = "The attestation"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours, or it has no result"),
))]
pub(crate) async fn attestation(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
) -> Result<Reply<JobAttestation>, ApiError> {
    let job = show::job(&app, device.id, id).await?;
    let evidence = job.evidence.ok_or_else(|| no_result(id, job.status.as_str()))?;
    Ok(Reply(JobAttestation { job: id, level: job.level, chain_id: app.chain_id, evidence }))
}

/// What is said of a job that nobody signed anything for.
pub(super) fn no_result(id: JobId, status: &str) -> ApiError {
    let detail = format!("job {id} is {status}; only a job that succeeded has this");
    ApiError::new(ErrorCode::NotFound, detail)
}
