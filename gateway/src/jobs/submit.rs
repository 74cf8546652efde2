//! Accepts a job: one transaction writes idempotency row, job, live row and the sponsor's hold. Commit, then 202,
//! then the Redis index; what is lost in between, reconciling finds.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ciro_api::{
    ErrorCode, JobId, ModelId, Priority, Problem,
    hash::commitment::commit,
    limits,
    rest::jobs::{CreateJob, Job},
};
use ciro_paymaster::ledger::{self, HoldError};
use deadpool_postgres::Transaction;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::wait;
use crate::{
    app::App,
    auth::Device,
    database,
    extract::Body,
    failpoint::Point,
    models::{self, Model},
    problem::ApiError,
    queue::Entry,
    wake::Event,
};

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A job that passed every check that needs no lock.
pub(super) struct Accepted {
    pub(super) device: Device,
    pub(super) model: Arc<Model>,
    pub(super) input: Vec<u8>,
    pub(super) start_within_ms: u64,
    pub(super) run_within_ms: u64,
    pub(super) delay_ms: u64,
    pub(super) priority: Priority,
    /// The caller's key and the fingerprint of the body it came with.
    pub(super) idempotency: Option<(String, Vec<u8>)>,
}

impl Accepted {
    /// How the index places it.
    pub(super) fn entry(&self, job: JobId) -> Entry {
        let Self { device, priority, delay_ms, .. } = self;
        Entry { job, sponsor: device.sponsor, priority: *priority, delay_ms: *delay_ms }
    }
}

/// Accepts a job. With `Idempotency-Key` it can be repeated safely; with `Prefer: wait=N` the reply waits up to N seconds.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", request_body = CreateJob, security(("bearer" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "At most 255 printable ASCII characters; kept for 24 hours"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when the job ended, after N seconds at the latest"),
    ),
    responses(
        (status = 202, body = Job, description = "Accepted and durable"),
        (status = 200, body = Job, description = "Accepted and ended within the wait"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 402, body = Problem, content_type = "application/problem+json", description = "The sponsor does not pay for it"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "Body or input too large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "Unknown model or reused key"),
))]
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    device: Device,
    headers: HeaderMap,
    body: Body<CreateJob>,
) -> Result<Response, ApiError> {
    let wait_ms = preferred_wait_ms(&headers)?;
    let idempotency =
        idempotency_key(&headers)?.map(|key| (key, Sha256::digest(&body.bytes).to_vec()));
    let model = models::find(&app, &body.value.model).await?;
    let accepted = check(model, device, body.value, idempotency)?;
    // A task of its own: a client that hangs up must not cancel an accept half-way.
    let accepting = tokio::spawn(accept(Arc::clone(&app), accepted));
    let (id, replayed) =
        accepting.await.map_err(|e| ApiError::internal("accepting a job", &e))??;
    let job = wait::until_final(&app, device.id, id, wait_ms).await?;
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Json(job)).into_response();
    let reply = response.headers_mut();
    reply.insert(REPLAYED, HeaderValue::from_static(if replayed { "true" } else { "false" }));
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/jobs/{id}")) {
        reply.insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Everything that can be checked of a job without a lock, but for its model's name.
pub(super) fn check(
    model: Arc<Model>,
    device: Device,
    request: CreateJob,
    idempotency: Option<(String, Vec<u8>)>,
) -> Result<Accepted, ApiError> {
    let rule = &model.manifest.input;
    let input = request.input.into_bytes();
    if input.len() > rule.bytes_max {
        let detail = format!(
            "{} takes inputs of at most {} bytes; this one has {}",
            model.manifest.name,
            rule.bytes_max,
            input.len()
        );
        return Err(Problem::new(ErrorCode::InputTooLarge, detail)
            .at("/input", "too large")
            .into());
    }
    if rule.media_type.starts_with("text/") && std::str::from_utf8(&input).is_err() {
        let problem = Problem::new(
            ErrorCode::InvalidRequest,
            "this model takes text, and the input is not UTF-8",
        );
        return Err(problem.at("/input/data", "not UTF-8").into());
    }
    Ok(Accepted {
        device,
        model,
        input,
        start_within_ms: within(
            "/start_within_ms",
            request.start_within_ms,
            limits::START_WITHIN_MS_DEFAULT,
            limits::START_WITHIN_MS_MAX,
        )?,
        run_within_ms: within(
            "/run_within_ms",
            request.run_within_ms,
            limits::RUN_WITHIN_MS_DEFAULT,
            limits::RUN_WITHIN_MS_MAX,
        )?,
        delay_ms: delay(request.delay_ms)?,
        priority: request.priority.unwrap_or(Priority::Normal),
        idempotency,
    })
}

fn within(pointer: &str, given: Option<u64>, default: u64, most: u64) -> Result<u64, ApiError> {
    let value = given.unwrap_or(default);
    if (1..=most).contains(&value) {
        return Ok(value);
    }
    let problem = Problem::new(ErrorCode::InvalidRequest, "a deadline is out of range");
    Err(problem.at(pointer, format!("must be 1 to {most}")).into())
}

fn delay(given: Option<u64>) -> Result<u64, ApiError> {
    let delay_ms = given.unwrap_or(0);
    if delay_ms <= limits::DELAY_MS_MAX {
        return Ok(delay_ms);
    }
    let problem = Problem::new(ErrorCode::InvalidRequest, "the delay is out of range");
    Err(problem.at("/delay_ms", format!("must be at most {}", limits::DELAY_MS_MAX)).into())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    usable_key(value.to_str().ok(), "header/Idempotency-Key").map(Some)
}

/// The key, if it is one; `pointer` says where it stood.
pub(super) fn usable_key(given: Option<&str>, pointer: &str) -> Result<String, ApiError> {
    let plain = given.filter(|text| text.bytes().all(|b| b.is_ascii_graphic()));
    match plain {
        Some(key) if (1..=limits::IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) => {
            Ok(key.to_owned())
        }
        _ => {
            let detail = format!(
                "1 to {} printable ASCII characters without spaces",
                limits::IDEMPOTENCY_KEY_BYTES_MAX
            );
            let problem =
                Problem::new(ErrorCode::InvalidRequest, "the idempotency key cannot be used");
            Err(problem.at(pointer, detail).into())
        }
    }
}

/// RFC 7240: a preference that we do not know is ignored; a wait we cannot read is an error, or a device would wonder.
fn preferred_wait_ms(headers: &HeaderMap) -> Result<u64, ApiError> {
    let preferences = headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
    for preference in preferences.flat_map(|text| text.split(',')) {
        let Some(value) = preference.trim().strip_prefix("wait=") else {
            continue;
        };
        let wait_s_max = limits::WAIT_MS_MAX / 1_000;
        let Ok(seconds) = value.parse::<u64>() else {
            let problem =
                Problem::new(ErrorCode::InvalidRequest, "the preferred wait cannot be read");
            return Err(problem.at("header/Prefer", "wait takes whole seconds").into());
        };
        return Ok(seconds.min(wait_s_max).saturating_mul(1_000));
    }
    Ok(0)
}

async fn accept(app: Arc<App>, accepted: Accepted) -> Result<(JobId, bool), ApiError> {
    let job = JobId(Uuid::now_v7());
    let model = accepted.model.id;
    let entry = accepted.entry(job);
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    if let Some(earlier) = claim_key(&tx, &accepted, job).await? {
        return Ok((earlier, true));
    }
    insert(&tx, &accepted, job).await?;
    // Last, since it locks the sponsor's row until the commit.
    ledger::hold(&tx, job, accepted.device.sponsor, accepted.model.price)
        .await
        .map_err(|e| refused(&e))?;
    tx.commit().await?;
    app.failpoints.pass(Point::Accepted);
    drop(client);
    // The reply does not wait for Redis: the job is safe, and a stalled index must not stall the door.
    tokio::spawn(index(app, model, vec![entry]));
    Ok((job, false))
}

/// Pushes accepted jobs of one model into the index, and wakes as many workers as they keep busy.
pub(super) async fn index(app: Arc<App>, model: ModelId, entries: Vec<Entry>) {
    for some in entries.chunks(limits::ENQUEUE_JOBS_MAX) {
        if let Err(error) = app.queue.enqueue(model, some).await {
            tracing::warn!(%model, %error, count = some.len(), "accepted jobs wait for reconciling");
            return;
        }
        let per_worker = usize::try_from(limits::LEASE_JOBS_MAX).unwrap_or(usize::MAX);
        for _ in 0..some.len().div_ceil(per_worker) {
            app.wake.announce(&app.queue, Event::Queued(model)).await;
        }
    }
}

/// What the requester is told about money that was not held.
pub(super) fn refused(error: &HoldError) -> ApiError {
    match error.code() {
        ErrorCode::Internal => ApiError::internal("holding the job's price", error),
        ErrorCode::Unavailable => ApiError::unavailable("the database", error),
        code => ApiError::new(code, error.to_string()),
    }
}

/// Takes the key for this job, or finds the job that has it. A second caller waits here for the first one's commit.
async fn claim_key(
    tx: &Transaction<'_>,
    accepted: &Accepted,
    job: JobId,
) -> Result<Option<JobId>, ApiError> {
    let Some((key, fingerprint)) = &accepted.idempotency else {
        return Ok(None);
    };
    let device = accepted.device.id.0;
    let hours = limits::IDEMPOTENCY_HOURS;
    let taken = database::query_opt(
        tx,
        include_str!("claim_key.sql"),
        &[&device, key, fingerprint, &job.0, &hours],
    )
    .await?;
    if taken.is_some() {
        return Ok(None);
    }
    let row = database::query_one(tx, include_str!("key_owner.sql"), &[&device, key]).await?;
    if row.try_get::<_, Vec<u8>>("body_sha256")? != *fingerprint {
        return Err(key_reused());
    }
    Ok(Some(JobId(row.try_get("job_id")?)))
}

pub(super) fn key_reused() -> ApiError {
    let detail = "this idempotency key came before with another body; use a new key for a new job";
    ApiError::new(ErrorCode::IdempotencyKeyReused, detail)
}

async fn insert(tx: &Transaction<'_>, accepted: &Accepted, job: JobId) -> Result<(), ApiError> {
    let Accepted {
        device, model, input, start_within_ms, run_within_ms, delay_ms, priority, ..
    } = accepted;
    let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let input_commitment = commit(model.manifest.scheme, input).to_string();
    database::execute(
        tx,
        include_str!("insert.sql"),
        &[
            &job.0,
            &device.sponsor.0,
            &device.id.0,
            &model.id.to_string(),
            input,
            &input_commitment,
            &model.price.to_string(),
            &ms(*run_within_ms),
            &ms(*start_within_ms),
            &priority.as_str(),
            &ms(*delay_ms),
        ],
    )
    .await?;
    Ok(())
}
