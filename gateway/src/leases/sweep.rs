//! Finds leases that ran out and acts on the row, never on the Redis entry alone.

use std::{sync::Arc, time::Duration};

use ciro_api::{JobId, JobStatus, LeaseId, ModelId, PoolName, SponsorId, limits};
use rand::Rng;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    database::{self, read},
    jobs::end::{self, Ending},
    leases::reconcile,
    models, observe,
    problem::ApiError,
    queue::{Expired, Known},
    wake::Event,
};

/// Sweeps every second or so until `stop`; jitter keeps replicas from sweeping in step.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(code = %error.code(), "a sweep broke off; the next one goes on");
        }
        let pause = Duration::from_millis(rand::rng().random_range(800..1_200));
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn sweep(app: &App) -> Result<(), ApiError> {
    if !app.queue.is_filled().await? {
        // Redis lost its memory, or never had one.
        reconcile::rebuild(app).await?;
    }
    if app.catalogue.pools().is_empty() {
        models::load(app).await?;
    }
    for pool in app.catalogue.pools() {
        for expired in app.queue.sweep(&pool).await? {
            reconcile::go_on(expired.job, expire(app, &pool, expired).await)?;
        }
    }
    Ok(())
}

/// What was decided about a job whose lease ran out in the index.
enum Fate {
    /// It is not live any more, or ended by this.
    Gone { ended: bool },
    /// The row says that it is leased: the grant's confirmation was lost, or Redis remembers another lease.
    Held(Known),
    /// Someone else may begin it.
    Waits,
}

/// Acts on the row of a job whose lease ran out, and then on the index. A fault there costs one more sweep.
pub(super) async fn expire(app: &App, pool: &PoolName, expired: Expired) -> Result<(), ApiError> {
    let fate = decide(app, expired).await?;
    let (indexed, event) = match fate {
        Fate::Held(known) => (app.queue.adopt(pool, &[known]).await, None),
        Fate::Gone { ended } => {
            let event = ended.then_some(Event::Ended(expired.job));
            (app.queue.drop_jobs(pool, &[expired.job]).await, event)
        }
        Fate::Waits => {
            let requeued = app.queue.requeue(pool, expired.job, expired.lease).await;
            (requeued, Some(Event::Queued(pool.clone())))
        }
    };
    if let Err(error) = indexed {
        tracing::warn!(job = %expired.job, %error, "the index does not know yet what became of a lease");
    }
    if let Some(event) = event {
        app.wake.announce(&app.queue, event).await;
    }
    Ok(())
}

async fn decide(app: &App, expired: Expired) -> Result<Fate, ApiError> {
    let job = expired.job;
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let Some(row) = database::query_opt(&tx, include_str!("expired.sql"), &[&job.0]).await? else {
        return Ok(Fate::Gone { ended: false });
    };
    let leased = row.try_get::<_, String>("state")? == "leased";
    if !leased {
        return Ok(Fate::Waits);
    }
    let lease = row.try_get::<_, Option<Uuid>>("lease_id")?.map(LeaseId);
    let still_held: bool = row.try_get("still_held")?;
    if let Some(lease) = lease.filter(|_| still_held || lease != expired.lease) {
        let sponsor = SponsorId(row.try_get("sponsor_id")?);
        let left_ms = u64::try_from(row.try_get::<_, i64>("left_ms")?).unwrap_or(0);
        return Ok(Fate::Held(Known { job, lease, sponsor, left_ms }));
    }
    let epoch: i64 = row.try_get("epoch")?;
    observe::expired(app.catalogue.name(read::<ModelId>(&row, "model_id")?));
    if give_up(&tx, &row, job, epoch).await? {
        tx.commit().await?;
        return Ok(Fate::Gone { ended: true });
    }
    // Epoch, lease id and worker stay: until someone else begins, a late result is as good.
    database::execute(&tx, include_str!("crash.sql"), &[&job.0, &epoch]).await?;
    tracing::info!(%job, epoch, "a lease ran out; the job goes back to the queue");
    tx.commit().await?;
    Ok(Fate::Waits)
}

/// Ends a job that is not wanted any more, whose run took too long or that keeps killing its workers.
async fn give_up(
    tx: &deadpool_postgres::Transaction<'_>,
    row: &tokio_postgres::Row,
    job: JobId,
    epoch: i64,
) -> Result<bool, ApiError> {
    if row.try_get("cancel_requested")? {
        return end::without_result(tx, &Ending::canceled(job, epoch)).await;
    }
    let crashes: i32 = row.try_get("crash_count")?;
    let (reason, detail) = if row.try_get::<_, bool>("run_over")? {
        ("run_deadline", "the run took longer than run_within_ms".to_owned())
    } else if crashes.saturating_add(1) >= limits::CRASHES_MAX {
        (
            "worker_crashes",
            format!("{} workers in a row vanished while they ran it", limits::CRASHES_MAX),
        )
    } else {
        return Ok(false);
    };
    let ending = Ending { job, epoch, status: JobStatus::Failed, reason, detail: &detail };
    end::without_result(tx, &ending).await
}
