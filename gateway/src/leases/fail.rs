//! A worker says that a run failed: another worker tries, or the job ends and the sponsor keeps its money.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, JobStatus, PoolName, Problem,
    rest::leases::{FailReply, FailRequest},
};

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

/// Tries of one job that may fail before it is over.
const FAILURES_MAX: i32 = 3;

/// Longest explanation that is kept.
const DETAIL_BYTES_MAX: usize = 1_024;

/// Gives a job back as failed.
#[utoipa::path(post, path = "/v1/leases/fail", tag = "workers", request_body = FailRequest, security(("bearer" = [])), responses(
    (status = 200, body = FailReply, description = "What becomes of the job"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Not the caller's lease any more"),
))]
pub(crate) async fn fail(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<FailRequest>,
) -> Result<Reply<FailReply>, ApiError> {
    run(&app, worker, body.value).await.map(Reply)
}

/// Takes the job back, for another worker or for good.
pub(crate) async fn run(
    app: &Arc<App>,
    worker: Worker,
    request: FailRequest,
) -> Result<FailReply, ApiError> {
    if request.detail.len() > DETAIL_BYTES_MAX {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the failure cannot be used");
        return Err(problem.at("/detail", format!("at most {DETAIL_BYTES_MAX} bytes")).into());
    }
    let failing = tokio::spawn(store(Arc::clone(app), worker, request));
    let status = failing.await.map_err(|e| ApiError::internal("storing a failure", &e))??;
    Ok(FailReply { status })
}

async fn store(app: Arc<App>, worker: Worker, request: FailRequest) -> Result<JobStatus, ApiError> {
    let fence = request.fence;
    let epoch = i64::try_from(fence.epoch).unwrap_or(-1);
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let row = database::query_opt(
        &tx,
        include_str!("fail.sql"),
        &[&fence.job.0, &epoch, &fence.lease.0, &worker.address.to_string()],
    )
    .await?;
    let row = row.ok_or_else(|| {
        let detail = format!(
            "job {} is not held under epoch {} and this lease any more",
            fence.job, fence.epoch
        );
        ApiError::new(ErrorCode::LeaseLost, detail)
    })?;
    let pool: PoolName = read(&row, "pool")?;
    let failures: i32 = row.try_get("fail_count")?;
    let canceled: bool = row.try_get("cancel_requested")?;
    let over = canceled || !request.retryable || failures >= FAILURES_MAX;
    if canceled {
        end::without_result(&tx, &Ending::canceled(fence.job, epoch)).await?;
    } else if over {
        let ending = Ending {
            job: fence.job,
            epoch,
            status: JobStatus::Failed,
            reason: "model_error",
            detail: &request.detail,
        };
        end::without_result(&tx, &ending).await?;
    }
    tx.commit().await?;
    drop(client);
    let (event, status) = match (canceled, over) {
        (true, _) => (Event::Ended(fence.job), JobStatus::Canceled),
        (false, true) => (Event::Ended(fence.job), JobStatus::Failed),
        (false, false) => (Event::Queued(pool.clone()), JobStatus::Queued),
    };
    let indexed = if over {
        app.queue.drop_jobs(&pool, &[fence.job]).await
    } else {
        app.queue.requeue(&pool, fence.job, Some(fence.lease)).await
    };
    if let Err(error) = indexed {
        tracing::warn!(job = %fence.job, %error, "a failed run waits for the sweep");
    }
    app.wake.announce(&app.queue, event).await;
    Ok(status)
}
