//! Takes a batch of results under one signature: checks that the worker signed exactly these, and has them stored.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, Felt, Problem, PublicKey,
    felt::Digest,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        commitment::commit,
        sign,
        snip12::TypedStruct,
    },
    limits,
    rest::results::{ResultItem, SubmitReply, SubmitResults},
};

use super::store::Batch;
use crate::{
    app::App,
    auth::Worker,
    extract::Body,
    models::{self, Model},
    problem::ApiError,
    reply::Reply,
    together,
    workers::session::require_registered,
};

/// One item with everything that its attestation says.
pub(super) struct Claim {
    pub(super) item: ResultItem,
    pub(super) model: Arc<Model>,
    pub(super) attestation: Attestation,
    /// The struct hash of the attestation: a leaf of the batch, and what the receipt is for.
    pub(super) leaf: Felt,
    pub(super) index: usize,
    pub(super) path: Vec<Digest>,
}

/// A batch whose signature was checked.
pub(super) struct Signed {
    pub(super) claims: Vec<Claim>,
    pub(super) signature: ciro_api::Signature,
    pub(super) public_key: PublicKey,
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
) -> Result<Reply<SubmitReply>, ApiError> {
    run(&app, worker, body.value).await.map(Reply)
}

/// Stores those results that belong to the worker's leases.
pub(crate) async fn run(
    app: &Arc<App>,
    worker: Worker,
    request: SubmitResults,
) -> Result<SubmitReply, ApiError> {
    let signed = check(app, worker, request).await?;
    let results = together::write(app, Batch { worker, signed: Arc::new(signed) }).await?;
    Ok(SubmitReply { results })
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
        let leaf = attestation.struct_hash();
        claims.push(Claim { item, model, attestation, leaf, index, path: Vec::new() });
    }
    let leaves: Vec<Felt> = claims.iter().map(|claim| claim.leaf).collect();
    let tree = BatchTree::build(&leaves)
        .map_err(|e| ApiError::new(ErrorCode::InvalidRequest, e.to_string()))?;
    for claim in &mut claims {
        claim.path =
            tree.path(claim.index).map_err(|e| ApiError::internal("building a path", &e))?;
    }
    let client = app.pg.get().await?;
    let registered = require_registered(&client, worker.address).await?;
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
