//! Gives leases back unfinished and blameless: another worker runs the job, or it ends if its requester wants it no more.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use ciro_api::{
    ErrorCode, JobId, PoolName, Problem, limits,
    rest::leases::{LeaseRef, ReleaseReply, ReleaseRequest, ReleaseResult},
};
use uuid::Uuid;

use crate::{
    app::App,
    auth::Worker,
    database::{self, read},
    extract::Body,
    jobs::end::{self, Ending},
    problem::ApiError,
    reply::Reply,
    wake::Event,
};

/// A lease that was given back.
struct Released {
    pool: PoolName,
    ended: bool,
}

/// Gives leases back. Says of each whether it still was the caller's; a repeated call says no.
#[utoipa::path(post, path = "/v1/leases/release", tag = "workers", request_body = ReleaseRequest, security(("bearer" = [])), responses(
    (status = 200, body = ReleaseReply, description = "One answer per lease, in order"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<ReleaseRequest>,
) -> Result<Reply<ReleaseReply>, ApiError> {
    run(&app, worker, body.value).await.map(Reply)
}

/// Takes unfinished leases back, for other workers or, where they are canceled, for good.
pub(crate) async fn run(
    app: &Arc<App>,
    worker: Worker,
    request: ReleaseRequest,
) -> Result<ReleaseReply, ApiError> {
    let leases = request.leases;
    if leases.len() > limits::LEASES_TOGETHER_MAX {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the leases cannot be released");
        let detail = format!("at most {}", limits::LEASES_TOGETHER_MAX);
        return Err(problem.at("/leases", detail).into());
    }
    // A task of its own: a worker that hangs up must not leave the index behind the database.
    let releasing = tokio::spawn(give_back(Arc::clone(app), worker, leases.clone()));
    let released = releasing.await.map_err(|e| ApiError::internal("releasing leases", &e))??;
    let result = |fence: &LeaseRef| ReleaseResult {
        job: fence.job,
        released: released.contains_key(&fence.job),
    };
    Ok(ReleaseReply { results: leases.iter().map(result).collect() })
}

async fn give_back(
    app: Arc<App>,
    worker: Worker,
    leases: Vec<LeaseRef>,
) -> Result<HashMap<JobId, Released>, ApiError> {
    let jobs: Vec<Uuid> = leases.iter().map(|fence| fence.job.0).collect();
    let epochs: Vec<i64> =
        leases.iter().map(|fence| i64::try_from(fence.epoch).unwrap_or(-1)).collect();
    let ids: Vec<Uuid> = leases.iter().map(|fence| fence.lease.0).collect();
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let rows = database::query(
        &tx,
        include_str!("release.sql"),
        &[&jobs, &epochs, &ids, &worker.address.to_string()],
    )
    .await?;
    let mut released = HashMap::with_capacity(rows.len());
    for row in &rows {
        let job = JobId(row.try_get("job_id")?);
        let ended = row.try_get("cancel_requested")?;
        if ended {
            end::without_result(&tx, &Ending::canceled(job, row.try_get("epoch")?)).await?;
        }
        released.insert(job, Released { pool: read(row, "pool")?, ended });
    }
    tx.commit().await?;
    drop(client);
    for fence in &leases {
        if let Some(one) = released.get(&fence.job) {
            index(&app, fence, one).await;
        }
    }
    Ok(released)
}

async fn index(app: &App, fence: &LeaseRef, released: &Released) {
    let Released { pool, ended } = released;
    let (indexed, event) = if *ended {
        (app.queue.drop_jobs(pool, &[fence.job]).await, Event::Ended(fence.job))
    } else {
        let requeued = app.queue.requeue(pool, fence.job, Some(fence.lease)).await;
        (requeued, Event::Queued(pool.clone()))
    };
    if let Err(error) = indexed {
        tracing::warn!(job = %fence.job, %error, "a released job waits for the sweep");
    }
    app.wake.announce(&app.queue, event).await;
}
