//! Accepts a job: checks it, has it written with others that come at the same moment, and answers 202 once it is durable.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ciro_api::{
    ErrorCode, JobId, Priority, Problem, Trace,
    hash::commitment::commit,
    limits,
    rest::{
        jobs::{CreateJob, Job},
        webhooks::Webhook,
    },
};
use ciro_paymaster::ledger::HoldError;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{accept_many::Wanted, show, wait};
use crate::{
    app::App,
    auth::Device,
    extract::Body,
    models::{self, Model},
    problem::ApiError,
    queue::Entry,
    reply::Reply,
    together, webhooks,
};

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Inputs that are hashed where the request is handled: 4 KiB take about a millisecond.
const HASHED_AT_ONCE_BYTES_MAX: usize = 4 * 1024;

/// A job that passed every check that needs no lock.
pub(super) struct Accepted {
    pub(super) device: Device,
    pub(super) model: Arc<Model>,
    pub(super) input: Vec<u8>,
    pub(super) start_within_ms: u64,
    pub(super) run_within_ms: u64,
    pub(super) delay_ms: u64,
    pub(super) priority: Priority,
    /// The job that it repeats.
    pub(super) replay_of: Option<JobId>,
    /// Whom to tell of its end.
    pub(super) webhook: Option<Webhook>,
    /// Where its requester's trace stands.
    pub(super) trace: Option<Trace>,
    /// The caller's key and the fingerprint of the body it came with.
    pub(super) idempotency: Option<(String, Vec<u8>)>,
}

impl Accepted {
    /// How the index places it.
    pub(super) fn entry(&self, job: JobId) -> Entry {
        let Self { device, model, priority, delay_ms, .. } = self;
        let (sponsor, cost) = (device.sponsor, model.cost());
        Entry { job, sponsor, priority: *priority, cost, delay_ms: *delay_ms }
    }
}

/// Accepts a job. With `Idempotency-Key` it can be repeated safely; with `Prefer: wait=N` the reply waits up to N seconds.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", request_body = CreateJob, security(("bearer" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "At most 255 printable ASCII characters; kept for 24 hours"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer when the job ended, after N seconds at the latest"),
        ("traceparent" = Option<String>, Header, description = "Your trace (W3C Trace Context), carried to the worker and the webhook; what cannot be read is ignored"),
        ("tracestate" = Option<String>, Header, description = "What your tracing system wrote beside it"),
    ),
    responses(
        (status = 202, body = Job, description = "Accepted and durable"),
        (status = 200, body = Job, description = "Accepted and ended within the wait"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 402, body = Problem, content_type = "application/problem+json", description = "The sponsor does not pay for it"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "Body or input too large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Neither JSON nor CBOR"),
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
    let trace = ciro_telemetry::trace_here(&headers);
    let (job, replayed) = run(&app, device, body.value, idempotency, trace, wait_ms).await?;
    Ok(answer(job, replayed))
}

/// The reply about a job that is accepted.
pub(super) fn answer(job: Job, replayed: bool) -> Response {
    let location = format!("/v1/jobs/{}", job.id);
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Reply(job)).into_response();
    let reply = response.headers_mut();
    reply.insert(REPLAYED, HeaderValue::from_static(if replayed { "true" } else { "false" }));
    if let Ok(location) = HeaderValue::from_str(&location) {
        reply.insert(header::LOCATION, location);
    }
    response
}

/// Accepts a job, and waits for its end for up to `wait_ms`; whether the job was accepted earlier under its key.
pub(crate) async fn run(
    app: &Arc<App>,
    device: Device,
    request: CreateJob,
    idempotency: Option<(String, Vec<u8>)>,
    trace: Option<Trace>,
    wait_ms: u64,
) -> Result<(Job, bool), ApiError> {
    let model = models::find(app, &request.model).await?;
    let accepted = check(app, model, device, request, idempotency)?;
    write(app, Accepted { trace, ..accepted }, wait_ms).await
}

/// Has the job written, and answers when it is durable, or when it ended or `wait_ms` are over.
pub(super) async fn write(
    app: &Arc<App>,
    accepted: Accepted,
    wait_ms: u64,
) -> Result<(Job, bool), ApiError> {
    let (device, replay_of) = (accepted.device.id, accepted.replay_of);
    let model = Arc::clone(&accepted.model);
    let stored = together::write(app, wanted(accepted).await?).await?;
    let id = stored.id;
    let job = match stored.accepted_at {
        Some(accepted_at) if wait_ms == 0 => {
            Job { replay_of, ..show::accepted(&model, id, accepted_at) }
        }
        _ => wait::until_final(app, device, id, wait_ms).await?,
    };
    Ok((job, stored.is_replay()))
}

/// Everything that can be checked of a job without a lock, but for its model's name.
pub(super) fn check(
    app: &App,
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
        replay_of: None,
        webhook: request
            .webhook
            .map(|webhook| webhooks::usable(webhook, app.webhook_allow_private))
            .transpose()?,
        trace: None,
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

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    usable_key(value.to_str().ok(), "header/Idempotency-Key").map(Some)
}

/// The key, if it is one; `pointer` says where it stood.
pub(crate) fn usable_key(given: Option<&str>, pointer: &str) -> Result<String, ApiError> {
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

/// The job with its id and the commitment to its input.
async fn wanted(request: Accepted) -> Result<Wanted, ApiError> {
    let is_small = request.input.len() <= HASHED_AT_ONCE_BYTES_MAX;
    let want = move || Wanted {
        id: JobId(Uuid::now_v7()),
        commitment: commit(request.model.manifest.scheme, &request.input).to_string(),
        request: Arc::new(request),
    };
    if is_small {
        return Ok(want());
    }
    // Its hashing would hold up everyone else on this thread.
    tokio::task::spawn_blocking(want)
        .await
        .map_err(|e| ApiError::internal("committing to an input", &e))
}

/// What the requester is told about money that was not held.
pub(super) fn refused(error: &HoldError) -> ApiError {
    match error.code() {
        ErrorCode::Internal => ApiError::internal("holding the job's price", error),
        ErrorCode::Unavailable => ApiError::unavailable("the database", error),
        code => ApiError::new(code, error.to_string()),
    }
}

pub(super) fn key_reused() -> ApiError {
    let detail = "this idempotency key came before with another body; use a new key for a new job";
    ApiError::new(ErrorCode::IdempotencyKeyReused, detail)
}
