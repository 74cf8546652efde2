//! Finds leases that ran out and acts on the row, never on the Redis entry alone.

use std::{sync::Arc, time::Duration};

use ciro_api::{JobId, JobStatus, LeaseId, ModelId, limits};
use rand::Rng;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    database,
    jobs::end::{self, Ending},
    leases::reconcile,
    models, observe,
    problem::ApiError,
    queue::Expired,
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
    if app.catalogue.ids().is_empty() {
        models::load(app).await?;
    }
    for model in app.catalogue.ids() {
        for expired in app.queue.sweep(model).await? {
            reconcile::go_on(expired.job, expire(app, model, expired).await)?;
        }
    }
    Ok(())
}

async fn expire(app: &App, model: ModelId, expired: Expired) -> Result<(), ApiError> {
    let job = expired.job;
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let Some(row) = database::query_opt(&tx, include_str!("expired.sql"), &[&job.0]).await? else {
        app.queue.drop_jobs(model, &[job]).await?;
        return Ok(());
    };
    let lease = row.try_get::<_, Option<Uuid>>("lease_id")?.map(LeaseId);
    let leased = row.try_get::<_, String>("state")? == "leased";
    let still_held: bool = row.try_get("still_held")?;
    let confirmed_late = still_held || lease != expired.lease;
    if let (true, Some(lease)) = (leased && confirmed_late, lease) {
        // The grant's confirmation was lost, or Redis remembers another lease: the row is right.
        let left_ms = u64::try_from(row.try_get::<_, i64>("left_ms")?).unwrap_or(0);
        app.queue.adopt(model, &[(job, lease)], left_ms).await?;
        if still_held {
            app.queue.extend(model, &[(job, lease)]).await?;
        }
        return Ok(());
    }
    let epoch: i64 = row.try_get("epoch")?;
    if leased {
        observe::expired(app, model);
    }
    if leased && give_up(&tx, &row, job, epoch).await? {
        tx.commit().await?;
        app.queue.drop_jobs(model, &[job]).await?;
        app.wake.announce(&app.queue, Event::Ended(job)).await;
        return Ok(());
    }
    if leased {
        // Epoch, lease id and worker stay: until someone else begins, a late result is as good.
        database::execute(&tx, include_str!("crash.sql"), &[&job.0, &epoch]).await?;
        tracing::info!(%job, epoch, "a lease ran out; the job goes back to the queue");
    }
    tx.commit().await?;
    app.queue.requeue(model, job, expired.lease).await?;
    app.wake.announce(&app.queue, Event::Queued(model)).await;
    Ok(())
}

/// Ends a job whose run took too long or that keeps killing its workers.
async fn give_up(
    tx: &deadpool_postgres::Transaction<'_>,
    row: &tokio_postgres::Row,
    job: JobId,
    epoch: i64,
) -> Result<bool, ApiError> {
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
