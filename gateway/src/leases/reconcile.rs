//! Repairs the index from the truth: walks the live rows by primary key, re-pushes what Redis lacks, and enforces
//! deadlines whatever Redis says.

use std::{sync::Arc, time::Duration};

use ciro_api::{ErrorCode, JobId, JobStatus, LeaseId, ModelId, SponsorId};
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    database::{self, DatabaseError, read},
    jobs::end::{self, Ending},
    observe,
    problem::ApiError,
    queue::Entry,
    wake::Event,
};

/// Between two walks. A job whose push was lost waits this long at the most.
const PERIOD: Duration = Duration::from_secs(5);

/// Rows per page of the walk.
const PAGE: i64 = 1_000;

/// Walks until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = walk(&app).await {
            tracing::warn!(code = %error.code(), "reconciling broke off; the next walk goes on");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Fills an empty index and marks it as filled.
pub(crate) async fn rebuild(app: &App) -> Result<(), ApiError> {
    walk(app).await?;
    app.queue.mark_filled().await?;
    observe::rebuilt();
    tracing::info!("the queue index was filled from the database");
    Ok(())
}

/// A live row as the walk sees it.
struct Live {
    job: JobId,
    model: ModelId,
    epoch: i64,
    lease: Option<LeaseId>,
    leased: bool,
    /// How the index places it.
    entry: Entry,
    left_ms: u64,
    start_over: bool,
    run_over: bool,
}

async fn walk(app: &App) -> Result<(), ApiError> {
    let mut after = Uuid::nil();
    loop {
        let client = app.pg.get().await?;
        let rows = database::query(&client, include_str!("walk.sql"), &[&after, &PAGE]).await?;
        drop(client);
        let page: Vec<Live> = rows.iter().map(read_live).collect::<Result<_, _>>()?;
        for live in &page {
            go_on(live.job, repair(app, live).await)?;
        }
        match page.last() {
            Some(last) if i64::try_from(page.len()) == Ok(PAGE) => after = last.job.0,
            _ => break,
        }
    }
    app.pg.get().await?.batch_execute(include_str!("forget.sql")).await?;
    Ok(())
}

/// One row that cannot be repaired must not keep the others from it; a part that is away ends the walk.
pub(super) fn go_on(job: JobId, done: Result<(), ApiError>) -> Result<(), ApiError> {
    match done {
        Err(error) if error.code() != ErrorCode::Unavailable => {
            tracing::error!(%job, code = %error.code(), "a job could not be moved on; trying again later");
            Ok(())
        }
        done => done,
    }
}

async fn repair(app: &App, live: &Live) -> Result<(), ApiError> {
    match live {
        Live { leased: true, run_over: true, .. } => {
            give_up(
                app,
                live,
                JobStatus::Failed,
                "run_deadline",
                "the run took longer than run_within_ms",
            )
            .await
        }
        Live { leased: true, lease: Some(lease), left_ms, .. } => {
            app.queue.adopt(live.model, &[(live.job, *lease)], *left_ms).await?;
            Ok(())
        }
        Live { leased: false, start_over: true, .. } => {
            give_up(
                app,
                live,
                JobStatus::Expired,
                "start_deadline",
                "no worker began it within start_within_ms",
            )
            .await
        }
        _ => {
            if app.queue.enqueue(live.model, &[live.entry]).await? > 0 {
                tracing::info!(job = %live.job, "a job that the index lacked was pushed again");
                app.wake.announce(&app.queue, Event::Queued(live.model)).await;
            }
            Ok(())
        }
    }
}

async fn give_up(
    app: &App,
    live: &Live,
    status: JobStatus,
    reason: &'static str,
    detail: &str,
) -> Result<(), ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let ending = Ending { job: live.job, epoch: live.epoch, status, reason, detail };
    let ended = end::without_result(&tx, &ending).await?;
    tx.commit().await?;
    drop(client);
    if ended {
        app.queue.drop_jobs(live.model, &[live.job]).await?;
        app.wake.announce(&app.queue, Event::Ended(live.job)).await;
    }
    Ok(())
}

fn read_live(row: &Row) -> Result<Live, DatabaseError> {
    let job = JobId(row.try_get("job_id")?);
    let delay_ms: i64 = row.try_get("delay_ms")?;
    Ok(Live {
        job,
        entry: Entry {
            job,
            sponsor: SponsorId(row.try_get("sponsor_id")?),
            priority: read(row, "priority")?,
            delay_ms: u64::try_from(delay_ms).unwrap_or(0),
        },
        model: read(row, "model_id")?,
        epoch: row.try_get("epoch")?,
        lease: row.try_get::<_, Option<Uuid>>("lease_id")?.map(LeaseId),
        leased: row.try_get::<_, String>("state")? == "leased",
        left_ms: u64::try_from(row.try_get::<_, i64>("left_ms")?).unwrap_or(0),
        start_over: row.try_get("start_over")?,
        run_over: row.try_get("run_over")?,
    })
}
