//! Stores signed results, those of calls that come at the same moment in one transaction. A result is accepted only by deleting its live row under the fence, in the
//! statement that inserts the result; the receipt is written in the same transaction.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ciro_api::{
    ErrorCode, JobId, JobStatus, ModelId, PoolName, SponsorId, felt::Digest, limits,
    rest::results::ResultOutcome,
};
use ciro_paymaster::ledger::{self, EarnError, Earned};
use deadpool_postgres::Transaction;
use tokio_postgres::{Row, types::Json};
use uuid::Uuid;

use super::submit::{Claim, Signed};
use crate::{
    app::App,
    auth::Worker,
    database::{self, DatabaseError, read, read_fri},
    failpoint::Point,
    observe,
    problem::ApiError,
    together::{Line, Shared},
    wake::Event,
    webhooks::outbox,
};

type Rows = HashMap<JobId, Row>;

/// The results of one call, whose signature was checked.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(super) worker: Worker,
    pub(super) signed: Arc<Signed>,
}

/// One result, with the batch that it is of.
#[derive(Clone, Copy)]
struct Item<'a> {
    batch: &'a Batch,
    claim: &'a Claim,
    /// Among all that are written together.
    line: usize,
}

impl Shared for Batch {
    type Done = Vec<ResultOutcome>;
    /// Two batches may hold one result: that is decided line by line.
    type Key = ();
    const WHAT: &'static str = "storing results";
    const WAITING_MAX: usize = limits::RESULTS_LINE_MAX;
    const ROWS_MAX: usize = limits::RESULTS_TOGETHER_MAX;
    const WRITERS: usize = 1;

    fn line(app: &App) -> &Line<Self> {
        &app.results
    }

    fn key(&self) -> Option<Self::Key> {
        None
    }

    fn rows(&self) -> usize {
        self.signed.claims.len()
    }

    async fn write(
        app: Arc<App>,
        some: Vec<Self>,
    ) -> Result<Vec<Result<Vec<ResultOutcome>, ApiError>>, ApiError> {
        store(app, &some).await
    }
}

/// What became of each result of each batch, in order.
async fn store(
    app: Arc<App>,
    batches: &[Batch],
) -> Result<Vec<Result<Vec<ResultOutcome>, ApiError>>, ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let all = batches
        .iter()
        .flat_map(|batch| batch.signed.claims.iter().map(move |claim| (batch, claim)))
        .enumerate();
    let items: Vec<Item<'_>> =
        all.map(|(line, (batch, claim))| Item { batch, claim, line }).collect();
    let rows = requests(&tx, &items).await?;
    let checks: Vec<Result<(), ApiError>> =
        items.iter().map(|item| check_item(&rows, item.claim)).collect();
    let good = items.iter().copied().zip(&checks).filter(|(_, check)| check.is_ok());
    let mut named = HashSet::new();
    // A fence that a worker names twice is met by the first; the other is judged by what the job finished with.
    let first: Vec<Item<'_>> = good
        .map(|(item, _)| item)
        .filter(|item| named.insert((item.batch.worker.address, item.claim.item.fence)))
        .collect();
    let mut finished = finish(&tx, &first).await?;
    let stored: Vec<Item<'_>> =
        first.into_iter().filter(|item| finished.contains_key(&item.line)).collect();
    earn(&tx, &rows, &stored).await?;
    let mut outcomes = Vec::with_capacity(items.len());
    for (item, check) in items.iter().zip(checks) {
        let outcome = match check {
            Ok(()) if !finished.contains_key(&item.line) => {
                explain(&tx, item.batch.worker, item.claim).await
            }
            check => check,
        };
        outcomes.push(outcome_of(item.claim.item.fence.job, outcome)?);
    }
    tell(&tx, &rows, &stored).await?;
    tx.commit().await?;
    drop(client);
    count(&app, &items, &finished, &outcomes);
    app.failpoints.pass(Point::Stored);
    let ended = |item: &Item<'_>| Some((item.claim.item.fence.job, finished.remove(&item.line)?));
    let ended = stored.iter().filter_map(ended).collect();
    // The reply does not wait for Redis: the results are safe, and a worker whose call runs out sends them again.
    tokio::spawn(announce(app, ended));
    let mut outcomes = outcomes.into_iter();
    Ok(batches.iter().map(|batch| Ok(outcomes.by_ref().take(batch.rows()).collect())).collect())
}

/// Our fault ends the whole batch, so that nothing of it is half stored.
fn outcome_of(job: JobId, outcome: Result<(), ApiError>) -> Result<ResultOutcome, ApiError> {
    match outcome {
        Ok(()) => Ok(ResultOutcome { job, accepted: true, problem: None }),
        Err(error) if error.code().retryable() => Err(error),
        Err(error) => Ok(ResultOutcome { job, accepted: false, problem: Some(error.into()) }),
    }
}

/// Writes the events of those whose requester wants to be told.
async fn tell(tx: &Transaction<'_>, rows: &Rows, stored: &[Item<'_>]) -> Result<(), ApiError> {
    for Item { claim, .. } in stored {
        let job = claim.item.fence.job;
        let Some(row) = rows.get(&job) else { continue };
        if let Some(Json(webhook)) = row.try_get("webhook")? {
            outbox::write(tx, job, JobStatus::Succeeded, &webhook).await?;
        }
    }
    Ok(())
}

fn count(
    app: &App,
    items: &[Item<'_>],
    finished: &HashMap<usize, PoolName>,
    outcomes: &[ResultOutcome],
) {
    for (item, outcome) in items.iter().zip(outcomes) {
        let now = finished.contains_key(&item.line);
        observe::results(match (outcome.accepted, now) {
            (true, true) => "stored",
            (true, false) => "repeated",
            (false, _) => "refused",
        });
        if now {
            observe::ended(app.catalogue.name(item.claim.item.model), JobStatus::Succeeded);
        }
    }
}

async fn announce(app: Arc<App>, ended: Vec<(JobId, PoolName)>) {
    let events: Vec<Event> = ended.iter().map(|(job, _)| Event::Ended(*job)).collect();
    app.wake.announce_all(&app.queue, &events).await;
    let mut by_pool: HashMap<PoolName, Vec<JobId>> = HashMap::new();
    for (job, pool) in ended {
        by_pool.entry(pool).or_default().push(job);
    }
    for (pool, jobs) in by_pool {
        if let Err(error) = app.queue.drop_jobs(&pool, &jobs).await {
            let count = jobs.len();
            tracing::warn!(%pool, count, %error, "finished jobs stay in the index until they are swept");
        }
    }
    app.failpoints.pass(Point::Dropped);
}

async fn requests(tx: &Transaction<'_>, items: &[Item<'_>]) -> Result<Rows, ApiError> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.claim.item.fence.job.0).collect();
    let rows = database::query(tx, include_str!("requests.sql"), &[&ids]).await?;
    let mut by_job = Rows::with_capacity(rows.len());
    for row in rows {
        by_job.insert(JobId(row.try_get("job_id")?), row);
    }
    Ok(by_job)
}

/// The signed item must be about this very request.
fn check_item(rows: &Rows, claim: &Claim) -> Result<(), ApiError> {
    let job = claim.item.fence.job;
    let row = rows
        .get(&job)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no job {job}")))?;
    let invalid = |detail: String| Err(ApiError::new(ErrorCode::InvalidResult, detail));
    if read::<ModelId>(row, "model_id")? != claim.item.model {
        return invalid(format!("job {} asks for another model", claim.item.fence.job));
    }
    if read::<ciro_api::Commitment>(row, "input_commitment")? != claim.item.input {
        return invalid(format!("job {} has another input", claim.item.fence.job));
    }
    let bytes = claim.item.output.0.len();
    if bytes > limits::OUTPUT_BYTES_MAX {
        return invalid(format!(
            "an output has {} bytes at most, not {bytes}",
            limits::OUTPUT_BYTES_MAX
        ));
    }
    let is_json = claim.model.manifest.output.media_type == "application/json";
    if is_json && serde_json::from_slice::<serde::de::IgnoredAny>(&claim.item.output.0).is_err() {
        return invalid("this model's output is JSON, and this one is not".to_owned());
    }
    Ok(())
}

/// A number of a few hundred at most, as it is stored.
fn small(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Moves those that are still their worker's from the live rows to the ended ones; returns their lines, each with
/// its pool. No worker names a fence twice.
async fn finish(
    tx: &Transaction<'_>,
    items: &[Item<'_>],
) -> Result<HashMap<usize, PoolName>, ApiError> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let words =
        |felts: &[Digest]| felts.iter().flat_map(|felt| felt.0.to_bytes_be()).collect::<Vec<u8>>();
    let claims = || items.iter().map(|item| item.claim);
    let signed = || items.iter().map(|item| &item.batch.signed);
    let fences = || claims().map(|claim| claim.item.fence);
    let jobs: Vec<Uuid> = fences().map(|fence| fence.job.0).collect();
    let epochs: Vec<i64> = fences().map(|fence| i64::try_from(fence.epoch).unwrap_or(-1)).collect();
    let leases: Vec<Uuid> = fences().map(|fence| fence.lease.0).collect();
    let workers: Vec<String> =
        items.iter().map(|item| item.batch.worker.address.to_string()).collect();
    let outputs: Vec<&[u8]> = claims().map(|claim| claim.item.output.0.as_slice()).collect();
    let commitments: Vec<String> =
        claims().map(|claim| claim.attestation.output.to_string()).collect();
    let indexes: Vec<i32> = claims().map(|claim| small(claim.index)).collect();
    let paths: Vec<Vec<u8>> = claims().map(|claim| words(&claim.path)).collect();
    let counts: Vec<i32> = signed().map(|signed| small(signed.claims.len())).collect();
    let signatures: Vec<Vec<u8>> =
        signed().map(|signed| words(&[signed.signature.r, signed.signature.s])).collect();
    let keys: Vec<String> = signed().map(|signed| signed.public_key.to_string()).collect();
    let rows = database::query(
        tx,
        include_str!("finish.sql"),
        &[
            &jobs,
            &epochs,
            &leases,
            &workers,
            &outputs,
            &commitments,
            &indexes,
            &paths,
            &counts,
            &signatures,
            &keys,
        ],
    )
    .await?;
    let place = |row: &Row| -> Result<Option<(usize, PoolName)>, DatabaseError> {
        let from_one: i64 = row.try_get("place")?;
        let place = usize::try_from(from_one).ok().and_then(|one| one.checked_sub(1));
        let item = place.and_then(|place| items.get(place));
        item.map(|item| Ok((item.line, read(row, "pool")?))).transpose()
    };
    let lines = rows.iter().filter_map(|row| place(row).transpose());
    Ok(lines.collect::<Result<_, _>>()?)
}

async fn earn(tx: &Transaction<'_>, rows: &Rows, stored: &[Item<'_>]) -> Result<(), ApiError> {
    let mut earned = Vec::with_capacity(stored.len());
    for Item { batch, claim, .. } in stored {
        let job = claim.item.fence.job;
        let Some(row) = rows.get(&job) else { continue };
        earned.push(Earned {
            job,
            sponsor: SponsorId(row.try_get("sponsor_id")?),
            worker: batch.worker.address,
            attestation: Digest(claim.leaf),
            amount: read_fri(row, "price_fri")?,
        });
    }
    // What was stored and not earned must not be committed, so this ends the whole transaction.
    ledger::earn(tx, &earned).await.map_err(|error| match error {
        EarnError::WorkerSlashed(_) => ApiError::new(ErrorCode::WorkerNotStaked, error.to_string()),
        error => ApiError::internal("writing receipts", &error),
    })
}

/// The fence did not match: was it stored before, which is as good, or is the job someone else's, or over?
async fn explain(tx: &Transaction<'_>, worker: Worker, claim: &Claim) -> Result<(), ApiError> {
    let job = claim.item.fence.job;
    let Some(row) = database::query_opt(tx, include_str!("ended.sql"), &[&job.0]).await? else {
        let detail = format!(
            "job {job} is not held under epoch {} and this lease any more",
            claim.item.fence.epoch
        );
        return Err(ApiError::new(ErrorCode::LeaseLost, detail));
    };
    if row.try_get::<_, String>("status")? != "succeeded" {
        let reason: Option<String> = row.try_get("reason")?;
        let detail = format!("job {job} ended without a result: {}", reason.unwrap_or_default());
        return Err(ApiError::new(ErrorCode::JobAlreadyFinished, detail));
    }
    // Paid is the attestation of one epoch. A worker that believed two of them paid would find its statement wrong.
    let epoch: i64 = row.try_get("epoch")?;
    if u64::try_from(epoch) != Ok(claim.item.fence.epoch) {
        let detail = format!("job {job} was finished under epoch {epoch}");
        return Err(ApiError::new(ErrorCode::LeaseLost, detail));
    }
    let same = row.try_get::<_, String>("worker")? == worker.address.to_string()
        && row.try_get::<_, String>("output_commitment")? == claim.attestation.output.to_string();
    if same {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::ResultConflict, format!("job {job} has another result already")))
}
