//! Takes a batch of results under one signature. A result is accepted only by deleting its live row under the fence,
//! in the statement that inserts the result; the receipt is written in the same transaction.

use std::sync::Arc;

use axum::{Json as JsonBody, extract::State};
use ciro_api::{
    ErrorCode, Fri, JobId, JobStatus, ModelId, Problem, PublicKey, SponsorId,
    felt::Digest,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        commitment::commit,
        sign,
        snip12::TypedStruct,
    },
    limits,
    rest::results::{ResultItem, ResultOutcome, SubmitReply, SubmitResults},
};
use ciro_paymaster::ledger::{self, EarnError, Earned};
use deadpool_postgres::Transaction;
use tokio_postgres::{Row, types::Json};

use crate::{
    app::App,
    auth::Worker,
    database::{self, read, read_fri},
    extract::Body,
    failpoint::Point,
    models::{self, Model},
    observe,
    problem::ApiError,
    wake::Event,
    webhooks::outbox,
    workers::session::require_registered,
};

/// One item with everything that its attestation says.
struct Claim {
    item: ResultItem,
    model: Arc<Model>,
    attestation: Attestation,
    index: usize,
    path: Vec<Digest>,
}

/// A batch whose signature was checked.
struct Signed {
    claims: Vec<Claim>,
    signature: ciro_api::Signature,
    public_key: PublicKey,
}

/// Stores results. A repeated call gives the same answer; each result has an outcome of its own.
#[utoipa::path(post, path = "/v1/results", tag = "workers", request_body = SubmitResults, security(("bearer" = [])), responses(
    (status = 200, body = SubmitReply, description = "One outcome per result"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token, or the signature does not cover these results"),
    (status = 413, body = Problem, content_type = "application/problem+json", description = "Too large"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Unknown model"),
))]
pub(crate) async fn submit_results(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<SubmitResults>,
) -> Result<JsonBody<SubmitReply>, ApiError> {
    let signed = check(&app, worker, body.value).await?;
    // A task of its own: a worker that hangs up must not cancel a commit half-way.
    let storing = tokio::spawn(store(Arc::clone(&app), worker, signed));
    let results = storing.await.map_err(|e| ApiError::internal("storing results", &e))??;
    Ok(JsonBody(SubmitReply { results }))
}

async fn check(app: &App, worker: Worker, request: SubmitResults) -> Result<Signed, ApiError> {
    let mut claims = Vec::with_capacity(request.results.len().min(limits::ATTESTATIONS_MAX));
    if !(1..=limits::ATTESTATIONS_MAX).contains(&request.results.len()) {
        let detail = format!("a batch holds 1 to {} results", limits::ATTESTATIONS_MAX);
        return Err(Problem::new(ErrorCode::InvalidRequest, "the batch cannot be used")
            .at("/results", detail)
            .into());
    }
    for (index, item) in request.results.into_iter().enumerate() {
        let model = models::stored(app, item.model).await?;
        let attestation = Attestation {
            job: item.fence.job.into(),
            epoch: item.fence.epoch,
            model: item.model,
            input: item.input,
            output: commit(model.manifest.scheme, &item.output.0),
            contract: app.job_manager,
            worker: worker.address,
        };
        claims.push(Claim { item, model, attestation, index, path: Vec::new() });
    }
    let leaves: Vec<_> = claims.iter().map(|claim| claim.attestation.struct_hash()).collect();
    let tree = BatchTree::build(&leaves)
        .map_err(|e| ApiError::new(ErrorCode::InvalidRequest, e.to_string()))?;
    for claim in &mut claims {
        claim.path =
            tree.path(claim.index).map_err(|e| ApiError::internal("building a path", &e))?;
    }
    let client = app.pg.get().await?;
    let registered = require_registered(&**client, worker.address).await?;
    let batch = AttestationBatch {
        root: tree.root(),
        count: u64::try_from(claims.len()).unwrap_or(u64::MAX),
        contract: app.job_manager,
        worker: worker.address,
    };
    let message = batch.message_hash(app.chain_id, worker.address);
    if !sign::verify(registered.public_key, &message, &request.signature) {
        let detail = format!(
            "the signature does not cover these {} results under key {}",
            claims.len(),
            registered.public_key
        );
        return Err(ApiError::new(ErrorCode::WrongSignature, detail));
    }
    Ok(Signed { claims, signature: request.signature, public_key: registered.public_key })
}

async fn store(
    app: Arc<App>,
    worker: Worker,
    mut signed: Signed,
) -> Result<Vec<ResultOutcome>, ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let mut outcomes: Vec<Option<ResultOutcome>> = signed.claims.iter().map(|_| None).collect();
    let mut ended = Vec::new();
    // One order of row locks for everyone, or two batches could wait for each other.
    signed.claims.sort_by_key(|claim| claim.item.fence.job);
    for claim in &signed.claims {
        let job = claim.item.fence.job;
        let verdict = store_one(&tx, worker, &signed, claim).await;
        let outcome = match verdict {
            Ok(Stored::Now) => {
                ended.push((job, claim.item.model));
                ResultOutcome { job, accepted: true, problem: None }
            }
            Ok(Stored::Before) => ResultOutcome { job, accepted: true, problem: None },
            // Our fault ends the whole batch, so that nothing of it is half stored.
            Err(error) if error.code().retryable() => return Err(error),
            Err(error) => ResultOutcome { job, accepted: false, problem: Some(error.into()) },
        };
        outcomes[claim.index] = Some(outcome);
    }
    tx.commit().await?;
    drop(client);
    count(&app, &signed, &ended, &outcomes);
    app.failpoints.pass(Point::Stored);
    // The reply does not wait for Redis: the results are safe, and a worker whose call runs out sends them again.
    tokio::spawn(announce(app, ended));
    Ok(outcomes.into_iter().flatten().collect())
}

fn count(
    app: &App,
    signed: &Signed,
    ended: &[(JobId, ModelId)],
    outcomes: &[Option<ResultOutcome>],
) {
    for claim in &signed.claims {
        let job = claim.item.fence.job;
        let accepted = outcomes[claim.index].as_ref().is_some_and(|outcome| outcome.accepted);
        let now = ended.iter().any(|(stored, _)| *stored == job);
        observe::results(match (accepted, now) {
            (true, true) => "stored",
            (true, false) => "repeated",
            (false, _) => "refused",
        });
    }
    for (_, model) in ended {
        observe::ended(app.catalogue.name(*model), JobStatus::Succeeded);
    }
}

async fn announce(app: Arc<App>, ended: Vec<(JobId, ModelId)>) {
    for (job, model) in ended {
        app.wake.announce(&app.queue, Event::Ended(job)).await;
        if let Err(error) = app.queue.drop_jobs(model, &[job]).await {
            tracing::warn!(%job, %error, "a finished job stays in the index until it is swept");
        }
    }
    app.failpoints.pass(Point::Dropped);
}

enum Stored {
    Now,
    Before,
}

async fn store_one(
    tx: &Transaction<'_>,
    worker: Worker,
    signed: &Signed,
    claim: &Claim,
) -> Result<Stored, ApiError> {
    let job = claim.item.fence.job;
    let row = database::query_opt(tx, include_str!("request.sql"), &[&job.0]).await?;
    let row =
        row.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no job {job}")))?;
    check_item(&row, claim)?;
    if finish(tx, worker, signed, claim).await? {
        let earned = Earned {
            job,
            sponsor: SponsorId(row.try_get("sponsor_id")?),
            worker: worker.address,
            attestation: Digest(claim.attestation.struct_hash()),
            amount: read_fri(&row, "price_fri")?,
        };
        debug_assert!(earned.amount > Fri::ZERO);
        ledger::earn(tx, &earned).await.map_err(|error| match error {
            EarnError::WorkerSlashed(_) => {
                ApiError::new(ErrorCode::WorkerNotStaked, error.to_string())
            }
            error => ApiError::internal("writing a receipt", &error),
        })?;
        if let Some(Json(webhook)) = row.try_get("webhook")? {
            outbox::write(tx, job, JobStatus::Succeeded, &webhook).await?;
        }
        return Ok(Stored::Now);
    }
    explain(tx, worker, claim).await
}

/// The signed item must be about this very request.
fn check_item(row: &Row, claim: &Claim) -> Result<(), ApiError> {
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

async fn finish(
    tx: &Transaction<'_>,
    worker: Worker,
    signed: &Signed,
    claim: &Claim,
) -> Result<bool, ApiError> {
    let fence = claim.item.fence;
    let epoch = i64::try_from(fence.epoch).unwrap_or(-1);
    let place = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    let words =
        |felts: &[Digest]| felts.iter().flat_map(|felt| felt.0.to_bytes_be()).collect::<Vec<u8>>();
    let finished = database::execute(
        tx,
        include_str!("finish.sql"),
        &[
            &fence.job.0,
            &epoch,
            &fence.lease.0,
            &worker.address.to_string(),
            &claim.item.output.0,
            &claim.attestation.output.to_string(),
            &place(claim.index),
            &place(signed.claims.len()),
            &words(&claim.path),
            &words(&[signed.signature.r, signed.signature.s]),
            &signed.public_key.to_string(),
        ],
    )
    .await?;
    Ok(finished == 1)
}

/// The fence did not match: was it stored before, or is the job someone else's, or over?
async fn explain(tx: &Transaction<'_>, worker: Worker, claim: &Claim) -> Result<Stored, ApiError> {
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
        return Ok(Stored::Before);
    }
    Err(ApiError::new(ErrorCode::ResultConflict, format!("job {job} has another result already")))
}
