//! Keeps leases alive, on the row and in the index. The row says whose the job is.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use ciro_api::{
    ErrorCode, JobId, LeaseId, PoolName, Problem, SponsorId, limits,
    rest::leases::{HeartbeatReply, HeartbeatRequest, HeartbeatResult, LeaseRef, LeaseState},
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    app::App,
    auth::Worker,
    database::{self, read},
    extract::Body,
    observe,
    problem::ApiError,
    queue::{Known, QueueError},
    reply::Reply,
    workers::drain,
};

/// Extends every lease that is still the caller's.
#[utoipa::path(post, path = "/v1/leases/heartbeat", tag = "workers", request_body = HeartbeatRequest, security(("bearer" = [])), responses(
    (status = 200, body = HeartbeatReply, description = "One answer per lease, in order"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
))]
pub(crate) async fn heartbeat(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<HeartbeatRequest>,
) -> Result<Reply<HeartbeatReply>, ApiError> {
    run(&app, worker, body.value).await.map(Reply)
}

/// Extends what is the worker's; the others are lost.
pub(crate) async fn run(
    app: &App,
    worker: Worker,
    request: HeartbeatRequest,
) -> Result<HeartbeatReply, ApiError> {
    let leases = request.leases;
    if leases.len() > limits::LEASES_TOGETHER_MAX {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the heartbeat cannot be used");
        let detail = format!("at most {}", limits::LEASES_TOGETHER_MAX);
        return Err(problem.at("/leases", detail).into());
    }
    let drain = drain::of(app, worker.address).await?;
    let held = extend(app, worker, &leases).await?;
    app.pools.seen(worker.address, held.values().map(|one| &one.pool));
    let result = |fence: &LeaseRef| HeartbeatResult {
        lease: fence.lease,
        state: match held.get(fence) {
            None => LeaseState::Lost,
            Some(Held { cancel_requested: true, .. }) => LeaseState::Cancel,
            Some(_) => LeaseState::Ok,
        },
    };
    let results: Vec<HeartbeatResult> = leases.iter().map(result).collect();
    observe::lost(results.iter().filter(|result| result.state == LeaseState::Lost).count());
    index(app, &leases, &held).await;
    Ok(HeartbeatReply { results, ttl_ms: limits::LEASE_TTL_MS, drain })
}

/// A lease that is still the caller's and was extended.
struct Held {
    pool: PoolName,
    sponsor: SponsorId,
    cancel_requested: bool,
}

/// Extends those leases that `PostgreSQL` still gives to this worker and whose run may go on.
async fn extend(
    app: &App,
    worker: Worker,
    leases: &[LeaseRef],
) -> Result<HashMap<LeaseRef, Held>, ApiError> {
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
    let mut held = HashMap::new();
    for row in &rows {
        let job = JobId(row.try_get("job_id")?);
        for fence in leases.iter().filter(|fence| fence.job == job) {
            if matches(row, fence)? {
                let one = Held {
                    pool: read(row, "pool")?,
                    sponsor: SponsorId(row.try_get("sponsor_id")?),
                    cancel_requested: row.try_get("cancel_requested")?,
                };
                held.insert(*fence, one);
            }
        }
    }
    Ok(held)
}

fn matches(row: &Row, fence: &LeaseRef) -> Result<bool, tokio_postgres::Error> {
    let epoch: i64 = row.try_get("epoch")?;
    let lease: Uuid = row.try_get("lease_id")?;
    Ok(u64::try_from(epoch) == Ok(fence.epoch) && LeaseId(lease) == fence.lease)
}

/// Tells the index. The row has the last word, so a fault here costs one look of the sweep at it.
async fn index(app: &App, leases: &[LeaseRef], held: &HashMap<LeaseRef, Held>) {
    let mut by_pool: HashMap<&PoolName, Vec<Known>> = HashMap::new();
    for fence in leases {
        if let Some(Held { pool, sponsor, .. }) = held.get(fence) {
            let LeaseRef { job, lease, .. } = *fence;
            let known = Known { job, lease, sponsor: *sponsor, left_ms: limits::LEASE_TTL_MS };
            by_pool.entry(pool).or_default().push(known);
        }
    }
    for (pool, leases) in by_pool {
        if let Err(error) = keep(app, pool, &leases).await {
            tracing::warn!(%pool, %error, "extended leases are not extended in the index yet");
        }
    }
}

async fn keep(app: &App, pool: &PoolName, leases: &[Known]) -> Result<(), QueueError> {
    let ids: Vec<(JobId, LeaseId)> = leases.iter().map(|one| (one.job, one.lease)).collect();
    let extended = app.queue.extend(pool, &ids).await?;
    // Redis lost its memory; the rows say that the leases are theirs.
    let unknown: Vec<Known> =
        leases.iter().zip(extended).filter(|(_, known)| !known).map(|(one, _)| *one).collect();
    if !unknown.is_empty() {
        app.queue.adopt(pool, &unknown).await?;
    }
    Ok(())
}
