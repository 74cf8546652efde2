//! Runs a job that ended without a result once more: as a new job with the same input, paid for like any other.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use ciro_api::{
    ErrorCode, JobId, JobStatus, ModelId, Problem,
    rest::{
        Base64,
        jobs::{CreateJob, Job, JobInput, ReplayJob},
    },
};
use sha2::{Digest, Sha256};

use super::{show, submit};
use crate::{
    app::App,
    auth::Device,
    database::{self, read},
    extract::{Body, PathParam},
    models,
    problem::ApiError,
};

/// Accepts a new job with the input of one that failed, expired or was canceled. Deadlines, delay, priority and webhook are
/// not taken over: say them again. With `Idempotency-Key` it can be repeated safely.
#[utoipa::path(post, operation_id = "replay_job", path = "/v1/jobs/{id}/replay", tag = "jobs", request_body = ReplayJob, security(("bearer" = [])),
    params(
        ("id" = JobId, Path, description = "The job that ended without a result"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 printable ASCII characters; kept for 24 hours"),
    ),
    responses(
        (status = 202, body = Job, description = "The new job, accepted and durable"),
        (status = 200, body = Job, description = "The new job of an earlier call with this key, if it ended meanwhile"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 402, body = Problem, content_type = "application/problem+json", description = "The sponsor does not pay for it"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It is not over, or has a result"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Neither JSON nor CBOR"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "Reused key"),
))]
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
    headers: HeaderMap,
    body: Body<ReplayJob>,
) -> Result<Response, ApiError> {
    let client = app.pg.get().await?;
    let row = database::query_opt(&client, include_str!("replayable.sql"), &[&id.0, &device.id.0])
        .await?;
    drop(client);
    let row = row.ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("there is no job {id} of this device"))
    })?;
    match show::status(&row)? {
        JobStatus::Failed | JobStatus::Expired | JobStatus::Canceled => {}
        status => {
            let detail =
                format!("job {id} is {status}; only one that ended without a result is run again");
            return Err(ApiError::new(ErrorCode::NotReplayable, detail));
        }
    }
    let model = models::stored(&app, read::<ModelId>(&row, "model_id")?).await?;
    let ReplayJob { start_within_ms, run_within_ms, delay_ms, priority, webhook } = body.value;
    let request = CreateJob {
        model: model.manifest.name.clone(),
        input: JobInput::Data(Base64(row.try_get("input")?)),
        start_within_ms,
        run_within_ms,
        delay_ms,
        priority,
        webhook,
    };
    // The same key for another job is another request.
    let fingerprint = Sha256::new_with_prefix(id.0.as_bytes()).chain_update(&body.bytes).finalize();
    let idempotency = submit::idempotency_key(&headers)?.map(|key| (key, fingerprint.to_vec()));
    let mut accepted = submit::check(&app, model, device, request, idempotency)?;
    accepted.replay_of = Some(id);
    accepted.trace = ciro_telemetry::trace_here(&headers);
    let (job, replayed) = submit::write(&app, accepted, 0).await?;
    Ok(submit::answer(job, replayed))
}
