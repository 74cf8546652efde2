//! Gives a worker something to sign: single use, short-lived.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    Problem, limits,
    rest::workers::{Challenge, ChallengeRequest},
};

use super::session::require_registered;
use crate::{
    app::App,
    auth::challenge::{self, Answerer},
    extract::Body,
    problem::ApiError,
    reply::Reply,
};

/// A challenge to answer at /v1/workers/session.
#[utoipa::path(post, path = "/v1/workers/challenge", tag = "workers", request_body = ChallengeRequest, responses(
    (status = 200, body = Challenge, description = "Sign this"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not registered on chain"),
))]
pub(crate) async fn challenge(
    State(app): State<Arc<App>>,
    body: Body<ChallengeRequest>,
) -> Result<Reply<Challenge>, ApiError> {
    run(&app, body.value).await.map(Reply)
}

/// A fresh challenge for a registered worker.
pub(crate) async fn run(app: &App, request: ChallengeRequest) -> Result<Challenge, ApiError> {
    let worker = request.worker;
    require_registered(&app.pg.get().await?, worker).await?;
    let challenge = challenge::make(&app.secret, Answerer::Worker(worker));
    Ok(Challenge {
        challenge,
        chain_id: app.chain_id,
        contract: app.job_manager,
        expires_in_s: limits::CHALLENGE_TTL_S,
    })
}
