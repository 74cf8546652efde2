//! Opens a session for a worker that answered its challenge.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    Address, ErrorCode, Problem,
    hash::{sign, snip12::TypedStruct, worker_login::WorkerLogin},
    limits,
    rest::{devices::Token, workers::SessionRequest},
};
use ciro_paymaster::workers::{RegisteredWorker, registered_worker};
use deadpool_postgres::GenericClient;

use crate::{
    app::App,
    auth::{
        challenge::{self, Answerer},
        keys::Role,
    },
    database,
    extract::Body,
    problem::ApiError,
    reply::Reply,
};

/// A bearer token for 15 minutes.
#[utoipa::path(post, path = "/v1/workers/session", tag = "workers", request_body = SessionRequest, responses(
    (status = 200, body = Token, description = "The token"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Unknown challenge or wrong signature"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not registered on chain"),
))]
pub(crate) async fn session(
    State(app): State<Arc<App>>,
    body: Body<SessionRequest>,
) -> Result<Reply<Token>, ApiError> {
    run(&app, body.value).await.map(Reply)
}

/// A token for a worker that signed its challenge.
pub(crate) async fn run(app: &App, request: SessionRequest) -> Result<Token, ApiError> {
    let SessionRequest { worker, challenge, signature } = request;
    let client = app.pg.get().await?;
    let registered = require_registered(&client, worker).await?;
    if !challenge::is_open(&app.secret, Answerer::Worker(worker), challenge) {
        return Err(challenge_unknown());
    }
    let login = WorkerLogin { worker, challenge, contract: app.job_manager };
    let message = login.message_hash(app.chain_id, worker);
    if !sign::verify(registered.public_key, &message, &signature) {
        let detail = format!(
            "the signature is not by {}, the key that worker {worker} registered on chain",
            registered.public_key
        );
        return Err(ApiError::new(ErrorCode::WrongSignature, detail));
    }
    // Stored only now: whoever cannot sign cannot write. The second of two equal answers finds the first.
    let ttl_s = i64::try_from(limits::CHALLENGE_TTL_S).unwrap_or(i64::MAX);
    let fresh = database::execute(
        &client,
        include_str!("answer_challenge.sql"),
        &[&challenge.to_string(), &worker.to_string(), &ttl_s],
    )
    .await?;
    if fresh == 0 {
        return Err(challenge_unknown());
    }
    app.keys.issue(Role::Worker { address: worker })
}

pub(crate) fn challenge_unknown() -> ApiError {
    let detail = "the challenge is unknown, over or used; ask for a new one";
    ApiError::new(ErrorCode::ChallengeUnknown, detail)
}

/// The worker as the chain knows it.
pub(crate) async fn require_registered(
    client: &impl GenericClient,
    worker: Address,
) -> Result<RegisteredWorker, ApiError> {
    let found = registered_worker(client, worker).await.map_err(|e| ApiError::from_store(&e))?;
    found.ok_or_else(|| {
        let detail = format!("worker {worker} has no key on chain that we have seen; stake and register it, then wait for a block");
        ApiError::new(ErrorCode::WorkerNotStaked, detail)
    })
}
