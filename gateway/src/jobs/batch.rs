//! Accepts many jobs in one request. Each is read, checked and paid for by itself; none sinks another.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::HeaderMap};
use ciro_api::{
    ErrorCode, JobId, Problem,
    hash::commitment::commit,
    limits,
    rest::jobs::{BatchOutcome, BatchReply, CreateBatch, CreateJob, JobSummary},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    accept_many::{self, Stored, Wanted},
    read_batch,
    submit::{self, Accepted},
    summary,
};
use crate::{
    app::App,
    auth::Device,
    database,
    extract::{self, RawBody},
    media::Format,
    models::{self, Model},
    problem::ApiError,
    reply::Reply,
};

/// What is to be done about one item.
enum Plan {
    Refuse(Problem),
    /// What becomes of this one of the wanted jobs, becomes of it.
    Accept(usize),
}

/// Accepts up to 1,000 jobs in one transaction and says of each what became of it.
#[utoipa::path(post, operation_id = "create_jobs", path = "/v1/jobs/batch", tag = "jobs", request_body = CreateBatch, security(("bearer" = [])), responses(
    (status = 200, body = BatchReply, description = "One outcome per item, in order; the accepted ones are durable"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Not a batch"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 413, body = Problem, content_type = "application/problem+json", description = "Body too large"),
    (status = 415, body = Problem, content_type = "application/problem+json", description = "Neither JSON nor CBOR"),
))]
pub(crate) async fn batch(
    State(app): State<Arc<App>>,
    device: Device,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Reply<BatchReply>, ApiError> {
    if headers.contains_key(submit::IDEMPOTENCY_KEY) {
        let problem = Problem::new(ErrorCode::InvalidRequest, "a batch has no key of its own");
        let detail = "give each item its own idempotency_key";
        return Err(problem.at("header/Idempotency-Key", detail).into());
    }
    let items = read_batch::items(&body)?;
    if items.is_empty() {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the batch is empty");
        let detail = format!("1 to {} items", limits::BATCH_JOBS_MAX);
        return Err(problem.at("/items", detail).into());
    }
    let (plans, mut accepted) = plan(&app, device, body.format, items).await?;
    if let Some(trace) = ciro_telemetry::trace_here(&headers) {
        for job in &mut accepted {
            job.trace = Some(trace.clone());
        }
    }
    let stored = if accepted.is_empty() {
        Vec::new()
    } else {
        // A task of its own: a client that hangs up must not cancel an accept half-way.
        let accepting = tokio::spawn(accept(Arc::clone(&app), accepted));
        accepting.await.map_err(|e| ApiError::internal("accepting jobs", &e))??
    };
    let jobs = summaries(&app, device, &stored).await?;
    let outcome = |(index, plan)| outcome(index, plan, &stored, &jobs);
    Ok(Reply(BatchReply {
        results: plans.into_iter().enumerate().map(outcome).collect::<Result<_, _>>()?,
    }))
}

async fn plan(
    app: &App,
    device: Device,
    format: Format,
    items: Vec<&[u8]>,
) -> Result<(Vec<Plan>, Vec<Accepted>), ApiError> {
    let mut plans = Vec::with_capacity(items.len());
    let mut accepted: Vec<Accepted> = Vec::with_capacity(items.len());
    let mut by_key: HashMap<String, usize> = HashMap::new();
    let mut known = HashMap::new();
    for (index, raw) in items.into_iter().enumerate() {
        let plan = match check(app, device, format, raw, &mut known).await {
            Ok(job) => {
                let (key, fingerprint) = job.idempotency.clone().unzip();
                match key.as_ref().and_then(|key| by_key.get(key)) {
                    // The same key twice in one batch means what it means in two requests.
                    Some(&place) if same_body(&accepted[place], fingerprint.as_ref()) => {
                        Plan::Accept(place)
                    }
                    Some(_) => Plan::Refuse(submit::key_reused().into()),
                    None => {
                        by_key.extend(key.map(|key| (key, accepted.len())));
                        accepted.push(job);
                        Plan::Accept(accepted.len() - 1)
                    }
                }
            }
            // Nothing can be said about any item while a part we need is away.
            Err(error) if matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Internal) => {
                return Err(error);
            }
            Err(error) => Plan::Refuse(Problem::from(error).under(&format!("/items/{index}"))),
        };
        plans.push(plan);
    }
    Ok((plans, accepted))
}

fn same_body(first: &Accepted, fingerprint: Option<&Vec<u8>>) -> bool {
    first.idempotency.as_ref().map(|(_, body)| body) == fingerprint
}

type KnownModels = HashMap<String, Result<Arc<Model>, ApiError>>;

async fn check(
    app: &App,
    device: Device,
    format: Format,
    raw: &[u8],
    known: &mut KnownModels,
) -> Result<Accepted, ApiError> {
    let item = read_batch::item(format, raw)?;
    let idempotency = match item.idempotency_key {
        Some(key) => {
            let key = submit::usable_key(Some(&key), "/idempotency_key")?;
            Some((key, Sha256::digest(item.job).to_vec()))
        }
        None => None,
    };
    let in_job = |error: ApiError| ApiError::from(Problem::from(error).under("/job"));
    let request: CreateJob = extract::parse(format, item.job).map_err(in_job)?;
    let model = model(app, &request.model, known).await.map_err(in_job)?;
    submit::check(app, model, device, request, idempotency).map_err(in_job)
}

/// Looks each name up once: an unknown one costs a look into the database, and a batch may hold a thousand of them.
async fn model(app: &App, name: &str, known: &mut KnownModels) -> Result<Arc<Model>, ApiError> {
    if let Some(found) = known.get(name) {
        return found.clone();
    }
    let found = models::find(app, name).await;
    known.insert(name.to_owned(), found.clone());
    found
}

pub(super) async fn accept(
    app: Arc<App>,
    accepted: Vec<Accepted>,
) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
    // A thousand commitments are a second of hashing, which would hold up everyone else on this thread.
    let hashing = tokio::task::spawn_blocking(move || {
        let want = |request: Accepted| Wanted {
            id: JobId(Uuid::now_v7()),
            commitment: commit(request.model.manifest.scheme, &request.input).to_string(),
            request: Arc::new(request),
        };
        accepted.into_iter().map(want).collect()
    });
    let wanted = hashing.await.map_err(|e| ApiError::internal("committing to inputs", &e))?;
    accept_many::accept_many(app, wanted).await
}

async fn summaries(
    app: &App,
    device: Device,
    stored: &[Result<Stored, ApiError>],
) -> Result<HashMap<JobId, JobSummary>, ApiError> {
    let ids: Vec<Uuid> = stored.iter().flatten().map(|job| job.id.0).collect();
    let mut jobs = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(jobs);
    }
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("of_ids.sql"), &[&ids, &device.id.0]).await?;
    drop(client);
    for row in rows {
        let job = summary::read(app, &row).await?;
        jobs.insert(job.id, job);
    }
    Ok(jobs)
}

fn outcome(
    index: usize,
    plan: Plan,
    stored: &[Result<Stored, ApiError>],
    jobs: &HashMap<JobId, JobSummary>,
) -> Result<BatchOutcome, ApiError> {
    let refused = |problem: Problem| BatchOutcome {
        index,
        status: problem.status,
        job: None,
        replayed: None,
        problem: Some(problem),
    };
    let stored = match plan {
        Plan::Refuse(problem) => return Ok(refused(problem)),
        Plan::Accept(place) => match &stored[place] {
            Err(error) => return Ok(refused(error.clone().into())),
            Ok(stored) => *stored,
        },
    };
    // A key outlives its job only where somebody deletes jobs by hand.
    let id = stored.id;
    let job = jobs.get(&id).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("there is no job {id} of this device"))
    })?;
    let status = if job.status.is_final() { 200 } else { 202 };
    Ok(BatchOutcome {
        index,
        status,
        job: Some(job.clone()),
        replayed: Some(stored.is_replay()),
        problem: None,
    })
}
