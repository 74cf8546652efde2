//! Keeps leases alive, on the row and in the index. The row says whose the job is.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State};
use ciro_api::{
    ErrorCode, JobId, LeaseId, ModelId, Problem, limits,
    rest::leases::{HeartbeatReply, HeartbeatRequest, HeartbeatResult, LeaseRef, LeaseState},
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    app::App, auth::Worker, database, database::read, extract::Body, observe, problem::ApiError,
};

/// Most leases one heartbeat may carry: the Redis function's batch bound.
const LEASES_MAX: usize = 256;

/// Extends every lease that is still the caller's.
#[utoipa::path(post, path = "/v1/leases/heartbeat", tag = "workers", request_body = HeartbeatRequest, security(("bearer" = [])), responses(
    (status = 200, body = HeartbeatReply, description = "One answer per lease, in order"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "The queue is away"),
))]
pub(crate) async fn heartbeat(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<HeartbeatRequest>,
) -> Result<Json<HeartbeatReply>, ApiError> {
    let leases = body.value.leases;
    if leases.len() > LEASES_MAX {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the heartbeat cannot be used");
        return Err(problem.at("/leases", format!("at most {LEASES_MAX}")).into());
    }
    let models = held_models(&app, worker, &leases).await?;
    let mut results = Vec::with_capacity(leases.len());
    for fence in &leases {
        let state = match models.get(&fence.job) {
            Some(model) if keep(&app, *model, fence).await? => LeaseState::Ok,
            _ => LeaseState::Lost,
        };
        results.push(HeartbeatResult { lease: fence.lease, state });
    }
    observe::lost(results.iter().filter(|result| result.state == LeaseState::Lost).count());
    Ok(Json(HeartbeatReply { results, ttl_ms: limits::LEASE_TTL_MS }))
}

/// The models of those leases that `PostgreSQL` still gives to this worker and whose run may go on.
async fn held_models(
    app: &App,
    worker: Worker,
    leases: &[LeaseRef],
) -> Result<HashMap<JobId, ModelId>, ApiError> {
    let ids: Vec<Uuid> = leases.iter().map(|fence| fence.job.0).collect();
    let lease_ids: Vec<Uuid> = leases.iter().map(|fence| fence.lease.0).collect();
    let ttl_ms = i64::try_from(limits::LEASE_TTL_MS).unwrap_or(i64::MAX);
    let client = app.pg.get().await?;
    let rows = database::query(
        &client,
        include_str!("held.sql"),
        &[&ids, &lease_ids, &worker.address.to_string(), &ttl_ms],
    )
    .await?;
    let mut models = HashMap::new();
    for row in &rows {
        let job = JobId(row.try_get("job_id")?);
        for fence in leases.iter().filter(|fence| fence.job == job) {
            if matches(row, fence)? {
                models.insert(job, read(row, "model_id")?);
            }
        }
    }
    Ok(models)
}

fn matches(row: &Row, fence: &LeaseRef) -> Result<bool, tokio_postgres::Error> {
    let epoch: i64 = row.try_get("epoch")?;
    let lease: Uuid = row.try_get("lease_id")?;
    Ok(u64::try_from(epoch) == Ok(fence.epoch) && LeaseId(lease) == fence.lease)
}

async fn keep(app: &App, model: ModelId, fence: &LeaseRef) -> Result<bool, ApiError> {
    let held = [(fence.job, fence.lease)];
    if app.queue.extend(model, &held).await?.first() != Some(&true) {
        // Redis lost its memory; the row says that the lease is theirs.
        app.queue.adopt(model, &held, limits::LEASE_TTL_MS).await?;
    }
    Ok(true)
}
