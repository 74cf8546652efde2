//! Gives jobs to a worker: Redis pops, `PostgreSQL` decides under a compare-and-set that raises the epoch.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use ciro_api::{
    Drain, ErrorCode, JobId, LeaseId, PoolName, Problem, limits,
    rest::leases::{Lease, LeaseReply, LeaseRequest},
};
use futures::future::select_all;
use rand::Rng;
use tokio::time::{Instant, timeout};

use super::grant::{self, Grant};
use crate::{
    app::App,
    auth::Worker,
    database,
    extract::Body,
    failpoint::Point,
    models,
    problem::ApiError,
    reply::Reply,
    together,
    wake::{Bed, Event},
    workers::{drain, session::require_registered},
};

/// How long a worker sleeps at most before it looks for itself, and hears whether it is to drain: the lookout wakes it when
/// there is something to do.
const LOOK_ANYWAY: Duration = Duration::from_secs(10);

/// Jobs to run now. Waits up to `wait_ms` for a first one; the same `lease_request_id` again gives the same grant.
#[utoipa::path(post, path = "/v1/leases", tag = "workers", request_body = LeaseRequest, security(("bearer" = [])), responses(
    (status = 200, body = LeaseReply, description = "Granted jobs; an empty list when none came in time"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not registered on chain any more"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Unknown pool"),
))]
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<LeaseRequest>,
) -> Result<Reply<LeaseReply>, ApiError> {
    run(&app, worker, body.value).await.map(Reply)
}

/// Grants what there is, after waiting for it if wished.
pub(crate) async fn run(
    app: &Arc<App>,
    worker: Worker,
    request: LeaseRequest,
) -> Result<LeaseReply, ApiError> {
    check(app, &request).await?;
    require_registered(&app.pg.get().await?, worker.address).await?;
    app.pools.seen(worker.address, &request.pools);
    let lease = app.secret.lease_id(worker.address, request.lease_request_id);
    let deadline = Instant::now() + Duration::from_millis(request.wait_ms);
    let beds: Vec<Bed> =
        request.pools.iter().map(|pool| app.wake.bed(Event::Queued(pool.clone()))).collect();
    loop {
        let mut hints: Vec<_> = beds.iter().map(|bed| Box::pin(bed.hint())).collect();
        for hint in &mut hints {
            hint.as_mut().enable();
        }
        let drain = drain::of(app, worker.address).await?;
        let leases = match drain {
            Drain::None => {
                // A task of its own: a grant must not be cancelled between Redis and PostgreSQL.
                let granting = tokio::spawn(grant(Arc::clone(app), worker, lease, request.clone()));
                granting.await.map_err(|e| ApiError::internal("granting leases", &e))??
            }
            Drain::Quiet | Drain::Terminate => Vec::new(),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let over = left.is_zero() || app.stop.is_cancelled() || drain == Drain::Terminate;
        if !leases.is_empty() || over {
            return Ok(LeaseReply { leases, drain });
        }
        let look_again = LOOK_ANYWAY.mul_f64(rand::rng().random_range(0.5..1.0));
        tokio::select! {
            _ = timeout(left.min(look_again), select_all(hints)) => {}
            () = app.stop.cancelled() => {}
        }
    }
}

async fn check(app: &App, request: &LeaseRequest) -> Result<(), ApiError> {
    let bad = |pointer: &str, detail: String| -> Result<(), ApiError> {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the lease request cannot be used");
        Err(problem.at(pointer, detail).into())
    };
    if !(1..=limits::LEASE_JOBS_MAX).contains(&request.max_jobs) {
        return bad("/max_jobs", format!("must be 1 to {}", limits::LEASE_JOBS_MAX));
    }
    if !(1..=limits::LEASE_POOLS_MAX).contains(&request.pools.len()) {
        return bad("/pools", format!("name 1 to {} pools", limits::LEASE_POOLS_MAX));
    }
    if request.wait_ms > limits::WAIT_MS_MAX {
        return bad("/wait_ms", format!("must be at most {}", limits::WAIT_MS_MAX));
    }
    for (place, pool) in request.pools.iter().enumerate() {
        models::require_pool(app, pool, &format!("/pools/{place}")).await?;
    }
    Ok(())
}

async fn grant(
    app: Arc<App>,
    worker: Worker,
    lease: LeaseId,
    request: LeaseRequest,
) -> Result<Vec<Lease>, ApiError> {
    let mut leases = Vec::new();
    for pool in &request.pools {
        let room = request.max_jobs.saturating_sub(u32::try_from(leases.len()).unwrap_or(u32::MAX));
        if room == 0 {
            break;
        }
        leases.extend(grant_of(&app, worker, lease, pool, room).await?);
    }
    Ok(leases)
}

/// Pops until something is granted or nothing is left: what was popped may all be leftovers of an older index.
async fn grant_of(
    app: &Arc<App>,
    worker: Worker,
    lease: LeaseId,
    pool: &PoolName,
    most: u32,
) -> Result<Vec<Lease>, ApiError> {
    loop {
        let popped = match app.queue.take(pool, lease, most).await {
            Ok(popped) => popped,
            Err(error) => {
                error.report("granting without the index");
                return take_directly(app, worker, lease, pool, most).await;
            }
        };
        if popped.is_empty() {
            return Ok(Vec::new());
        }
        app.failpoints.pass(Point::Taken);
        let grant =
            Grant { worker: worker.address, lease, pool: pool.clone(), jobs: popped.clone() };
        let leases = together::write(app, grant).await?;
        app.failpoints.pass(Point::Granted);
        let held: Vec<(JobId, LeaseId)> = leases.iter().map(|l| (l.fence.job, lease)).collect();
        settle_index(app, pool, &popped, &held).await;
        if !leases.is_empty() {
            return Ok(leases);
        }
        // Or the same lease would be given the same leftovers for as long as Redis remembers the grant.
        app.queue.forget_grant(pool, lease).await?;
    }
}

/// Grants what waits longest, straight from the rows: without the index, so without shares, priorities and caps, and by
/// one worker at a time. The others look again within a second.
async fn take_directly(
    app: &App,
    worker: Worker,
    lease: LeaseId,
    pool: &PoolName,
    most: u32,
) -> Result<Vec<Lease>, ApiError> {
    let Ok(_turn) = app.direct.try_acquire() else {
        return Ok(Vec::new());
    };
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let rows = database::query(
        &tx,
        include_str!("pick.sql"),
        &[&pool.as_str(), &i64::from(most), &lease.0],
    )
    .await?;
    let jobs = rows.iter().map(|row| row.try_get("job_id").map(JobId)).collect::<Result<_, _>>()?;
    let grant = Grant { worker: worker.address, lease, pool: pool.clone(), jobs };
    let leases = grant::grant_all(app, &tx, &[grant]).await?;
    tx.commit().await?;
    Ok(leases.into_iter().flatten().collect())
}

/// Tells Redis what `PostgreSQL` decided. A fault here costs one sweep, nothing else.
async fn settle_index(app: &App, pool: &PoolName, popped: &[JobId], held: &[(JobId, LeaseId)]) {
    let gone: Vec<JobId> =
        popped.iter().filter(|job| !held.iter().any(|(h, _)| h == *job)).copied().collect();
    let confirmed = async {
        if !held.is_empty() {
            app.queue.extend(pool, held).await?;
        }
        if !gone.is_empty() {
            app.queue.drop_jobs(pool, &gone).await?;
        }
        Ok::<_, crate::queue::QueueError>(())
    };
    if let Err(error) = confirmed.await {
        tracing::warn!(%error, "granted leases are not confirmed in the index yet");
    }
}
