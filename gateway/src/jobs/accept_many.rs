//! Accepts many jobs of one device in one transaction: all that can be are in it, and the others leave nothing behind.
//!
//! Locks are taken in one order: the keys in theirs, then the sponsor. So batches wait for each other and never both.

use std::{collections::HashMap, sync::Arc};

use ciro_api::{JobId, ModelId, limits};
use ciro_paymaster::ledger;
use deadpool_postgres::Transaction;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::submit::{self, Accepted};
use crate::{app::App, auth::Device, database, problem::ApiError, queue::Entry};

/// A job that is to be accepted under this id. No two of one call have the same idempotency key.
pub(super) struct Wanted {
    pub(super) id: JobId,
    pub(super) request: Accepted,
    pub(super) commitment: String,
}

/// A job that is stored.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    pub(super) id: JobId,
    /// By an earlier request with the same key.
    pub(super) replayed: bool,
}

/// What became of each, in order.
pub(super) async fn accept_many(
    app: Arc<App>,
    device: Device,
    wanted: Vec<Wanted>,
) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let mut outcomes = claim_keys(&tx, device, &wanted).await?;
    hold(&tx, device, &wanted, &mut outcomes).await?;
    let new = |outcome: &Result<Stored, ApiError>| outcome.as_ref().is_ok_and(|job| !job.replayed);
    let fresh: Vec<&Wanted> =
        wanted.iter().zip(&outcomes).filter(|(_, outcome)| new(outcome)).map(|(w, _)| w).collect();
    insert(&tx, device, &fresh).await?;
    tx.commit().await?;
    drop(client);
    let mut by_model: HashMap<ModelId, Vec<Entry>> = HashMap::new();
    for job in fresh {
        by_model.entry(job.request.model.id).or_default().push(job.request.entry(job.id));
    }
    // As for a single job, the reply does not wait for Redis.
    for (model, entries) in by_model {
        tokio::spawn(submit::index(Arc::clone(&app), model, entries));
    }
    Ok(outcomes)
}

/// Takes the keys, or finds the jobs that have them. Everything that is not found is new.
async fn claim_keys(
    tx: &Transaction<'_>,
    device: Device,
    wanted: &[Wanted],
) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
    let (mut keys, mut fingerprints, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for job in wanted {
        if let Some((key, fingerprint)) = &job.request.idempotency {
            keys.push(key);
            fingerprints.push(fingerprint);
            ids.push(job.id.0);
        }
    }
    let mut owners: HashMap<String, (Vec<u8>, JobId)> = HashMap::new();
    if !keys.is_empty() {
        let hours = limits::IDEMPOTENCY_HOURS;
        database::execute(
            tx,
            include_str!("claim_keys.sql"),
            &[&device.id.0, &keys, &fingerprints, &ids, &hours],
        )
        .await?;
        let rows =
            database::query(tx, include_str!("key_owners.sql"), &[&device.id.0, &keys]).await?;
        for row in rows {
            let owner = (row.try_get("body_sha256")?, JobId(row.try_get("job_id")?));
            owners.insert(row.try_get("key")?, owner);
        }
    }
    Ok(wanted.iter().map(|job| earlier(job, &owners)).collect())
}

fn earlier(job: &Wanted, owners: &HashMap<String, (Vec<u8>, JobId)>) -> Result<Stored, ApiError> {
    let idempotency = job.request.idempotency.as_ref();
    let owner = idempotency.and_then(|(key, fingerprint)| Some((owners.get(key)?, fingerprint)));
    match owner {
        Some(((_, id), _)) if *id == job.id => Ok(Stored { id: job.id, replayed: false }),
        Some(((body, _), fingerprint)) if body != fingerprint => Err(submit::key_reused()),
        Some(((_, id), _)) => Ok(Stored { id: *id, replayed: true }),
        None => Ok(Stored { id: job.id, replayed: false }),
    }
}

/// Holds the money of the new ones. Who gets none gives its key back: a refusal is not stored.
async fn hold(
    tx: &Transaction<'_>,
    device: Device,
    wanted: &[Wanted],
    outcomes: &mut [Result<Stored, ApiError>],
) -> Result<(), ApiError> {
    let fresh: Vec<usize> = (0..wanted.len())
        .filter(|&place| outcomes[place].as_ref().is_ok_and(|job| !job.replayed))
        .collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let prices: Vec<_> =
        fresh.iter().map(|&place| (wanted[place].id, wanted[place].request.model.price)).collect();
    let held =
        ledger::hold_many(tx, device.sponsor, &prices).await.map_err(|e| submit::refused(&e))?;
    let mut released = Vec::new();
    for (place, outcome) in fresh.into_iter().zip(held) {
        let Err(error) = outcome else { continue };
        outcomes[place] = Err(submit::refused(&error));
        released.extend(wanted[place].request.idempotency.as_ref().map(|(key, _)| key));
    }
    if !released.is_empty() {
        database::execute(tx, include_str!("release_keys.sql"), &[&device.id.0, &released]).await?;
    }
    Ok(())
}

async fn insert(tx: &Transaction<'_>, device: Device, fresh: &[&Wanted]) -> Result<(), ApiError> {
    if fresh.is_empty() {
        return Ok(());
    }
    let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let requests = || fresh.iter().map(|job| &job.request);
    let ids: Vec<Uuid> = fresh.iter().map(|job| job.id.0).collect();
    let models: Vec<String> = requests().map(|r| r.model.id.to_string()).collect();
    let inputs: Vec<&[u8]> = requests().map(|r| r.input.as_slice()).collect();
    let commitments: Vec<&str> = fresh.iter().map(|job| job.commitment.as_str()).collect();
    let prices: Vec<String> = requests().map(|r| r.model.price.to_string()).collect();
    let runs: Vec<i64> = requests().map(|r| ms(r.run_within_ms)).collect();
    let starts: Vec<i64> = requests().map(|r| ms(r.start_within_ms)).collect();
    let priorities: Vec<&str> = requests().map(|r| r.priority.as_str()).collect();
    let delays: Vec<i64> = requests().map(|r| ms(r.delay_ms)).collect();
    let webhooks: Vec<_> = requests().map(|r| r.webhook.as_ref().map(Json)).collect();
    let traces: Vec<_> = requests().map(|r| r.trace.as_ref().map(Json)).collect();
    database::execute(
        tx,
        include_str!("insert_many.sql"),
        &[
            &device.sponsor.0,
            &device.id.0,
            &ids,
            &models,
            &inputs,
            &commitments,
            &prices,
            &runs,
            &starts,
            &priorities,
            &delays,
            &webhooks,
            &traces,
        ],
    )
    .await?;
    Ok(())
}
