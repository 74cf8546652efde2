//! Accepts many jobs in one request. Each is read, checked and paid for by itself; none sinks another.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State, http::HeaderMap};
use ciro_api::{
    ErrorCode, JobId, Problem,
    hash::commitment::commit,
    limits,
    rest::jobs::{BatchOutcome, BatchReply, CreateBatch, CreateJob, JobSummary},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    accept_many::{self, Stored, Wanted},
    submit::{self, Accepted},
    summary,
};
use crate::{
    app::App,
    auth::Device,
    database,
    extract::{self, Body},
    models::{self, Model},
    problem::ApiError,
    trace,
};

/// The items as they came, so that a bad one is refused by itself and a good one's bytes are its fingerprint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBatch {
    #[serde(deserialize_with = "bounded")]
    items: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    #[serde(default)]
    idempotency_key: Option<String>,
    job: Box<RawValue>,
}

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
    (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
))]
pub(crate) async fn batch(
    State(app): State<Arc<App>>,
    device: Device,
    headers: HeaderMap,
    body: Body<RawBatch>,
) -> Result<Json<BatchReply>, ApiError> {
    if headers.contains_key(submit::IDEMPOTENCY_KEY) {
        let problem = Problem::new(ErrorCode::InvalidRequest, "a batch has no key of its own");
        let detail = "give each item its own idempotency_key";
        return Err(problem.at("header/Idempotency-Key", detail).into());
    }
    if body.value.items.is_empty() {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the batch is empty");
        let detail = format!("1 to {} items", limits::BATCH_JOBS_MAX);
        return Err(problem.at("/items", detail).into());
    }
    let (plans, mut accepted) = plan(&app, device, body.value).await?;
    if let Some(trace) = trace::of(&headers) {
        for job in &mut accepted {
            job.trace = Some(trace.clone());
        }
    }
    let stored = if accepted.is_empty() {
        Vec::new()
    } else {
        // A task of its own: a client that hangs up must not cancel an accept half-way.
        let accepting = tokio::spawn(accept(Arc::clone(&app), device, accepted));
        accepting.await.map_err(|e| ApiError::internal("accepting jobs", &e))??
    };
    let jobs = summaries(&app, device, &stored).await?;
    let outcome = |(index, plan)| outcome(index, plan, &stored, &jobs);
    Ok(Json(BatchReply {
        results: plans.into_iter().enumerate().map(outcome).collect::<Result<_, _>>()?,
    }))
}

async fn plan(
    app: &App,
    device: Device,
    batch: RawBatch,
) -> Result<(Vec<Plan>, Vec<Accepted>), ApiError> {
    let mut plans = Vec::with_capacity(batch.items.len());
    let mut accepted: Vec<Accepted> = Vec::with_capacity(batch.items.len());
    let mut by_key: HashMap<String, usize> = HashMap::new();
    let mut known = HashMap::new();
    for (index, raw) in batch.items.into_iter().enumerate() {
        let plan = match check(app, device, &raw, &mut known).await {
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
    raw: &RawValue,
    known: &mut KnownModels,
) -> Result<Accepted, ApiError> {
    let item: RawItem = extract::parse(raw.get().as_bytes())?;
    let bytes = item.job.get().as_bytes();
    let idempotency = match item.idempotency_key {
        Some(key) => {
            let key = submit::usable_key(Some(&key), "/idempotency_key")?;
            Some((key, Sha256::digest(bytes).to_vec()))
        }
        None => None,
    };
    let in_job = |error: ApiError| ApiError::from(Problem::from(error).under("/job"));
    let request: CreateJob = extract::parse(bytes).map_err(in_job)?;
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

async fn accept(
    app: Arc<App>,
    device: Device,
    accepted: Vec<Accepted>,
) -> Result<Vec<Result<Stored, ApiError>>, ApiError> {
    // A thousand commitments are a second of hashing, which would hold up everyone else on this thread.
    let hashing = tokio::task::spawn_blocking(move || {
        let want = |request: Accepted| Wanted {
            id: JobId(Uuid::now_v7()),
            commitment: commit(request.model.manifest.scheme, &request.input).to_string(),
            request,
        };
        accepted.into_iter().map(want).collect()
    });
    let wanted = hashing.await.map_err(|e| ApiError::internal("committing to inputs", &e))?;
    accept_many::accept_many(app, device, wanted).await
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
    let Stored { id, replayed } = match plan {
        Plan::Refuse(problem) => return Ok(refused(problem)),
        Plan::Accept(place) => match &stored[place] {
            Err(error) => return Ok(refused(error.clone().into())),
            Ok(stored) => *stored,
        },
    };
    // A key outlives its job only where somebody deletes jobs by hand.
    let job = jobs.get(&id).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("there is no job {id} of this device"))
    })?;
    let status = if job.status.is_final() { 200 } else { 202 };
    Ok(BatchOutcome {
        index,
        status,
        job: Some(job.clone()),
        replayed: Some(replayed),
        problem: None,
    })
}

/// Stops reading behind the last item that may be: a body of commas must not become millions of items.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    struct Items;

    impl<'de> Visitor<'de> for Items {
        type Value = Vec<Box<RawValue>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "at most {} items", limits::BATCH_JOBS_MAX)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = sequence.next_element()? {
                if items.len() == limits::BATCH_JOBS_MAX {
                    return Err(de::Error::invalid_length(limits::BATCH_JOBS_MAX + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Items)
}
