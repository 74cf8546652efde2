//! Accepts many jobs in one transaction: all that can be are in it, and the others leave nothing behind.
//!
//! Idempotency row, job, live row and the sponsor's hold are written together. Commit, then the reply, then the Redis
//! index; what is lost in between, reconciling finds. Locks are taken in one order, the keys in theirs and then the
//! sponsors in theirs, so that such transactions wait for each other and never in a circle.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ciro_api::{DeviceId, JobId, PoolName, limits};
use ciro_paymaster::ledger::{self, WantedHold};
use deadpool_postgres::Transaction;
use time::OffsetDateTime;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::submit::{self, Accepted};
use crate::{
    app::App,
    database,
    failpoint::Point,
    observe,
    problem::ApiError,
    queue::Entry,
    together::{Line, Shared},
};

/// A job that is to be accepted under this id. No two of one call have the same device and idempotency key.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(super) id: JobId,
    pub(super) request: Arc<Accepted>,
    pub(super) commitment: String,
}

impl Shared for Wanted {
    type Done = Stored;
    type Key = (DeviceId, String);
    const WHAT: &'static str = "accepting a job";
    const WAITING_MAX: usize = limits::ACCEPT_LINE_MAX;
    const ROWS_MAX: usize = limits::ACCEPT_TOGETHER_MAX;
    const WRITERS: usize = 2;

    fn line(app: &App) -> &Line<Self> {
        &app.accepts
    }

    fn key(&self) -> Option<Self::Key> {
        self.request.idempotency.as_ref().map(|(key, _)| (self.request.device.id, key.clone()))
    }

    fn rows(&self) -> usize {
        1
    }

    async fn write(
        app: Arc<App>,
        some: Vec<Self>,
    ) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
        accept_many(app, some).await
    }
}

/// A job that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    pub(super) id: JobId,
    /// When it was accepted; nothing when that was by an earlier request with the same key.
    pub(super) accepted_at: Option<OffsetDateTime>,
}

impl Stored {
    /// Whether an earlier request made it.
    pub(super) fn is_replay(self) -> bool {
        self.accepted_at.is_none()
    }
}

/// Whose job it is, of those that are not refused.
enum Claim {
    Ours,
    Earlier(JobId),
}

type Claims = Vec<Result<Claim, ApiError>>;

/// What became of each, in order.
pub(super) async fn accept_many(
    app: Arc<App>,
    wanted: Vec<Wanted>,
) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let mut claims = claim_keys(&tx, &wanted).await?;
    hold(&tx, &wanted, &mut claims).await?;
    let fresh: Vec<&Wanted> = wanted
        .iter()
        .zip(&claims)
        .filter(|(_, claim)| matches!(claim, Ok(Claim::Ours)))
        .map(|(job, _)| job)
        .collect();
    let accepted_at = insert(&tx, &fresh).await?;
    tx.commit().await?;
    drop(client);
    if accepted_at.is_some() {
        app.failpoints.pass(Point::Accepted);
    }
    index_all(&app, &fresh);
    let stored = |(job, claim): (&Wanted, Result<Claim, ApiError>)| {
        Ok(match claim? {
            Claim::Ours => Stored { id: job.id, accepted_at },
            Claim::Earlier(id) => Stored { id, accepted_at: None },
        })
    };
    Ok(wanted.iter().zip(claims).map(stored).collect())
}

/// The reply does not wait for Redis: the jobs are safe, and a stalled index must not stall the door.
fn index_all(app: &Arc<App>, fresh: &[&Wanted]) {
    let mut by_pool: HashMap<PoolName, Vec<Entry>> = HashMap::new();
    for job in fresh {
        observe::accepted(&job.request.model);
        by_pool.entry(job.request.model.pool.clone()).or_default().push(job.request.entry(job.id));
    }
    for (pool, entries) in by_pool {
        tokio::spawn(index(Arc::clone(app), pool, entries));
    }
}

/// Pushes accepted jobs of one pool into the index, and wakes a worker for each.
async fn index(app: Arc<App>, pool: PoolName, entries: Vec<Entry>) {
    for some in entries.chunks(limits::ENQUEUE_JOBS_MAX) {
        if let Err(error) = app.queue.enqueue(&pool, some).await {
            tracing::warn!(%pool, %error, count = some.len(), "accepted jobs wait for reconciling");
            return;
        }
        app.pools.arrived(&pool, some.len());
        app.wake.announce_queued(&app.queue, &pool, some.len()).await;
    }
}

type Owners = HashMap<(DeviceId, String), (Vec<u8>, JobId)>;

/// Takes the keys, or finds the jobs that have them. Everything that is not found is new.
async fn claim_keys(tx: &Transaction<'_>, wanted: &[Wanted]) -> Result<Claims, ApiError> {
    let with_key: Vec<&Wanted> =
        wanted.iter().filter(|job| job.request.idempotency.is_some()).collect();
    let mut owners = Owners::new();
    if !with_key.is_empty() {
        let taken = take_keys(tx, &with_key).await?;
        let others: Vec<&Wanted> =
            with_key.into_iter().filter(|job| !taken.contains(&job.id)).collect();
        if !others.is_empty() {
            owners = find_owners(tx, &others).await?;
        }
    }
    Ok(wanted.iter().map(|job| claim(job, &owners)).collect())
}

/// The devices and keys of jobs that all have one.
fn keys_of<'a>(jobs: &[&'a Wanted]) -> (Vec<Uuid>, Vec<&'a str>, Vec<&'a [u8]>) {
    let (mut devices, mut keys, mut fingerprints) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        if let Some((key, fingerprint)) = &job.request.idempotency {
            devices.push(job.request.device.id.0);
            keys.push(key.as_str());
            fingerprints.push(fingerprint.as_slice());
        }
    }
    (devices, keys, fingerprints)
}

async fn take_keys(tx: &Transaction<'_>, with_key: &[&Wanted]) -> Result<HashSet<JobId>, ApiError> {
    let (devices, keys, fingerprints) = keys_of(with_key);
    let ids: Vec<Uuid> = with_key.iter().map(|job| job.id.0).collect();
    let rows = database::query(
        tx,
        include_str!("claim_keys.sql"),
        &[&devices, &keys, &fingerprints, &ids, &limits::IDEMPOTENCY_HOURS],
    )
    .await?;
    Ok(rows.iter().map(|row| row.try_get("job_id").map(JobId)).collect::<Result<_, _>>()?)
}

async fn find_owners(tx: &Transaction<'_>, others: &[&Wanted]) -> Result<Owners, ApiError> {
    let (devices, keys, _) = keys_of(others);
    let rows = database::query(tx, include_str!("key_owners.sql"), &[&devices, &keys]).await?;
    let mut owners = Owners::with_capacity(rows.len());
    for row in rows {
        let key = (DeviceId(row.try_get("device_id")?), row.try_get("key")?);
        owners.insert(key, (row.try_get("body_sha256")?, JobId(row.try_get("job_id")?)));
    }
    Ok(owners)
}

fn claim(job: &Wanted, owners: &Owners) -> Result<Claim, ApiError> {
    let Some((key, fingerprint)) = &job.request.idempotency else {
        return Ok(Claim::Ours);
    };
    match owners.get(&(job.request.device.id, key.clone())) {
        None => Ok(Claim::Ours),
        Some((body, id)) if body == fingerprint => Ok(Claim::Earlier(*id)),
        Some(_) => Err(submit::key_reused()),
    }
}

/// Holds the money of the new ones. Who gets none gives its key back: a refusal is not stored.
async fn hold(
    tx: &Transaction<'_>,
    wanted: &[Wanted],
    claims: &mut Claims,
) -> Result<(), ApiError> {
    let ours = |place: &usize| matches!(claims[*place], Ok(Claim::Ours));
    let fresh: Vec<usize> = (0..wanted.len()).filter(ours).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let want = |&place: &usize| {
        let Wanted { id, request, .. } = &wanted[place];
        WantedHold { job: *id, sponsor: request.device.sponsor, amount: request.model.price }
    };
    let holds: Vec<WantedHold> = fresh.iter().map(want).collect();
    let held = ledger::hold(tx, &holds).await.map_err(|e| submit::refused(&e))?;
    let mut released = Vec::new();
    for (place, outcome) in fresh.into_iter().zip(held) {
        let Err(error) = outcome else { continue };
        claims[place] = Err(submit::refused(&error));
        released.push(&wanted[place]);
    }
    let (devices, keys, _) = keys_of(&released);
    if !keys.is_empty() {
        database::execute(tx, include_str!("release_keys.sql"), &[&devices, &keys]).await?;
    }
    Ok(())
}

/// Writes them; tells when they were accepted, if any were.
async fn insert(
    tx: &Transaction<'_>,
    fresh: &[&Wanted],
) -> Result<Option<OffsetDateTime>, ApiError> {
    if fresh.is_empty() {
        return Ok(None);
    }
    let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let requests = || fresh.iter().map(|job| &job.request);
    let ids: Vec<Uuid> = fresh.iter().map(|job| job.id.0).collect();
    let sponsors: Vec<Uuid> = requests().map(|r| r.device.sponsor.0).collect();
    let devices: Vec<Uuid> = requests().map(|r| r.device.id.0).collect();
    let models: Vec<String> = requests().map(|r| r.model.id.to_string()).collect();
    let pools: Vec<&str> = requests().map(|r| r.model.pool.as_str()).collect();
    let costs: Vec<i16> = requests().map(|r| i16::from(r.model.cost().get())).collect();
    let inputs: Vec<&[u8]> = requests().map(|r| r.input.as_slice()).collect();
    let commitments: Vec<&str> = fresh.iter().map(|job| job.commitment.as_str()).collect();
    let prices: Vec<String> = requests().map(|r| r.model.price.to_string()).collect();
    let runs: Vec<i64> = requests().map(|r| ms(r.run_within_ms)).collect();
    let starts: Vec<i64> = requests().map(|r| ms(r.start_within_ms)).collect();
    let priorities: Vec<&str> = requests().map(|r| r.priority.as_str()).collect();
    let delays: Vec<i64> = requests().map(|r| ms(r.delay_ms)).collect();
    let repeated: Vec<Option<Uuid>> = requests().map(|r| r.replay_of.map(|job| job.0)).collect();
    let webhooks: Vec<_> = requests().map(|r| r.webhook.as_ref().map(Json)).collect();
    let traces: Vec<_> = requests().map(|r| r.trace.as_ref().map(Json)).collect();
    let row = database::query_one(
        tx,
        include_str!("insert_many.sql"),
        &[
            &ids,
            &sponsors,
            &devices,
            &models,
            &inputs,
            &commitments,
            &prices,
            &runs,
            &starts,
            &priorities,
            &delays,
            &repeated,
            &webhooks,
            &traces,
            &pools,
            &costs,
        ],
    )
    .await?;
    Ok(Some(row.try_get("created_at")?))
}
