//! Repairs the index from the truth: walks the live rows by primary key, re-pushes what Redis lacks, and enforces
//! deadlines whatever Redis says.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ciro_api::{CostStep, ErrorCode, JobId, JobStatus, LeaseId, PoolName, SponsorId, limits};
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    database::{self, DatabaseError, read},
    jobs::end::{self, Ending},
    leases::sweep,
    observe,
    problem::ApiError,
    queue::{Entry, Expired, Known},
    wake::Event,
};

/// Between two walks. A job whose push was lost waits this long at the most.
const PERIOD: Duration = Duration::from_secs(5);

/// Every walk goes over the jobs that came since; what is older was seen by many walks.
const RECENT: Duration = Duration::from_mins(5);

/// A walk over everything takes at most one part in so many of the time, and so rests longer where more waits.
const REST_PER_WALK: u32 = 20;

/// But not longer than this: it is also what ends jobs whose start deadline has passed.
const REST_MAX: Duration = Duration::from_mins(5);

/// Rows per page of the walk.
const PAGE: i64 = 1_000;

/// Walks until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    let mut all_again = Instant::now();
    while !stop.is_cancelled() {
        let began = Instant::now();
        let all = began >= all_again;
        let walked = if all { walk_all(&app).await } else { walk(&app, recent()).await };
        if let Err(error) = walked {
            tracing::warn!(code = %error.code(), "reconciling broke off; the next walk goes on");
        }
        if all {
            all_again = Instant::now() + (began.elapsed() * REST_PER_WALK).min(REST_MAX);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Fills an empty index and marks it as filled.
pub(crate) async fn rebuild(app: &App) -> Result<(), ApiError> {
    walk_all(app).await?;
    app.queue.mark_filled().await?;
    observe::rebuilt();
    tracing::info!("the queue index was filled from the database");
    Ok(())
}

/// A live row as the walk sees it.
struct Live {
    job: JobId,
    pool: PoolName,
    /// Why it ends now, if a deadline has passed.
    overdue: Option<Ending<'static>>,
    leased: bool,
    lease: Option<LeaseId>,
    left_ms: u64,
    /// How the index places it.
    entry: Entry,
}

/// The first id that can have been made in the last minutes. Ids are `UUIDv7`: they begin with the time.
fn recent() -> Uuid {
    let since = SystemTime::now() - RECENT;
    let ms = since.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let ms = u64::try_from(ms).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]).into_uuid()
}

async fn walk_all(app: &App) -> Result<(), ApiError> {
    walk(app, Uuid::nil()).await?;
    Ok(app.pg.get().await?.batch_execute(include_str!("forget.sql")).await?)
}

async fn walk(app: &App, from: Uuid) -> Result<(), ApiError> {
    tell_caps(app).await?;
    let mut after = from;
    loop {
        let client = app.pg.get().await?;
        let rows = database::query(&client, include_str!("walk.sql"), &[&after, &PAGE]).await?;
        drop(client);
        let page: Vec<Live> = rows.iter().map(read_live).collect::<Result<_, _>>()?;
        repair(app, &page).await?;
        match page.last() {
            Some(last) if i64::try_from(page.len()) == Ok(PAGE) => after = last.job.0,
            _ => return Ok(()),
        }
    }
}

/// Tells the index how many jobs of which sponsors may run at once.
async fn tell_caps(app: &App) -> Result<(), ApiError> {
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("caps.sql"), &[]).await?;
    drop(client);
    let mut caps = Vec::with_capacity(rows.len());
    for row in &rows {
        let cap = u32::try_from(row.try_get::<_, i32>("running_max")?).unwrap_or(u32::MAX);
        caps.push((SponsorId(row.try_get("sponsor_id")?), cap));
    }
    for pool in app.catalogue.pools() {
        if let Err(error) = app.queue.set_caps(&pool, &caps).await {
            error.report("telling caps, which the next walk tells again");
        }
    }
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

async fn repair(app: &App, page: &[Live]) -> Result<(), ApiError> {
    let mut queued: HashMap<&PoolName, Vec<Entry>> = HashMap::new();
    let mut leased: HashMap<&PoolName, Vec<Known>> = HashMap::new();
    for live in page {
        match live {
            Live { overdue: Some(ending), .. } => {
                go_on(live.job, give_up(app, live, ending).await)?;
            }
            // Without the index, nobody else looks whether a lease is over.
            Live { leased: true, left_ms: 0, .. } if !app.queue.is_up() => {
                let over = Expired { job: live.job, lease: live.lease };
                go_on(live.job, sweep::expire(app, &live.pool, over).await)?;
            }
            Live { leased: true, lease: Some(lease), left_ms, entry, job, .. } => {
                let (sponsor, left_ms) = (entry.sponsor, *left_ms);
                let known = Known { job: *job, lease: *lease, sponsor, left_ms };
                leased.entry(&live.pool).or_default().push(known);
            }
            _ => queued.entry(&live.pool).or_default().push(live.entry),
        }
    }
    for (pool, leases) in leased {
        index_leased(app, pool, &leases).await;
    }
    for (pool, entries) in queued {
        index_queued(app, pool, &entries).await;
    }
    Ok(())
}

/// An index that is away is filled by a later walk; deadlines must not wait for it.
async fn index_leased(app: &App, pool: &PoolName, leases: &[Known]) {
    for some in leases.chunks(limits::ENQUEUE_JOBS_MAX) {
        if let Err(error) = app.queue.adopt(pool, some).await {
            error.report("taking over leases, which wait for the next walk");
            return;
        }
    }
}

async fn index_queued(app: &App, pool: &PoolName, entries: &[Entry]) {
    for some in entries.chunks(limits::ENQUEUE_JOBS_MAX) {
        match app.queue.enqueue(pool, some).await {
            Ok(0) => {}
            Ok(pushed) => {
                tracing::info!(%pool, pushed, "jobs that the index lacked were pushed again");
                let jobs = usize::try_from(pushed).unwrap_or(usize::MAX);
                app.wake.announce_queued(&app.queue, pool, jobs).await;
            }
            Err(error) => {
                error.report("pushing jobs, which wait for the next walk");
                return;
            }
        }
    }
}

async fn give_up(app: &App, live: &Live, ending: &Ending<'_>) -> Result<(), ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let ended = end::without_result(&tx, ending).await?;
    tx.commit().await?;
    drop(client);
    if ended {
        if let Err(error) = app.queue.drop_jobs(&live.pool, &[live.job]).await {
            // Whoever pops it finds no row and drops it.
            error.report("forgetting a job, which stays until it is popped");
        }
        app.wake.announce(&app.queue, Event::Ended(live.job)).await;
    }
    Ok(())
}

fn read_live(row: &Row) -> Result<Live, DatabaseError> {
    let job = JobId(row.try_get("job_id")?);
    let delay_ms: i64 = row.try_get("delay_ms")?;
    let leased = row.try_get::<_, String>("state")? == "leased";
    Ok(Live {
        job,
        entry: Entry {
            job,
            sponsor: SponsorId(row.try_get("sponsor_id")?),
            priority: read(row, "priority")?,
            cost: read_cost(row)?,
            delay_ms: u64::try_from(delay_ms).unwrap_or(0),
        },
        pool: read(row, "pool")?,
        overdue: overdue(row, job, leased)?,
        leased,
        lease: row.try_get::<_, Option<Uuid>>("lease_id")?.map(LeaseId),
        left_ms: u64::try_from(row.try_get::<_, i64>("left_ms")?).unwrap_or(0),
    })
}

fn read_cost(row: &Row) -> Result<CostStep, DatabaseError> {
    let step: i16 = row.try_get("cost_step")?;
    let cost = u8::try_from(step).ok().and_then(CostStep::from_stored);
    cost.ok_or_else(|| DatabaseError::Corrupt { column: "cost_step", value: step.to_string() })
}

fn overdue(row: &Row, job: JobId, leased: bool) -> Result<Option<Ending<'static>>, DatabaseError> {
    let epoch = row.try_get("epoch")?;
    if leased && row.try_get("run_over")? {
        if row.try_get("cancel_requested")? {
            return Ok(Some(Ending::canceled(job, epoch)));
        }
        let (status, reason) = (JobStatus::Failed, "run_deadline");
        let detail = "the run took longer than run_within_ms";
        return Ok(Some(Ending { job, epoch, status, reason, detail }));
    }
    if !leased && row.try_get("start_over")? {
        let (status, reason) = (JobStatus::Expired, "start_deadline");
        let detail = "no worker began it within start_within_ms";
        return Ok(Some(Ending { job, epoch, status, reason, detail }));
    }
    Ok(None)
}
