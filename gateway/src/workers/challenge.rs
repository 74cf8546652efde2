//! Gives a worker something to sign: single use, short-lived.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::{
    Felt, Problem,
    felt::Digest,
    limits,
    rest::workers::{Challenge, ChallengeRequest},
};
use rand::RngCore;

use super::session::require_registered;
use crate::{app::App, database, extract::Body, problem::ApiError};

/// A challenge to answer at /v1/workers/session.
#[utoipa::path(post, path = "/v1/workers/challenge", tag = "workers", request_body = ChallengeRequest, responses(
    (status = 200, body = Challenge, description = "Sign this"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not registered on chain"),
))]
pub(crate) async fn challenge(
    State(app): State<Arc<App>>,
    body: Body<ChallengeRequest>,
) -> Result<Json<Challenge>, ApiError> {
    let worker = body.value.worker;
    let client = app.pg.get().await?;
    // Only registered workers get one, so strangers cannot fill the table.
    require_registered(&**client, worker).await?;
    let mut bytes = [0_u8; 31];
    rand::rng().fill_bytes(&mut bytes);
    let challenge = Digest(Felt::from_bytes_be_slice(&bytes));
    let ttl_s = i64::try_from(limits::CHALLENGE_TTL_S).unwrap_or(60);
    database::execute(
        &client,
        include_str!("challenge.sql"),
        &[&challenge.to_string(), &worker.to_string(), &ttl_s],
    )
    .await?;
    Ok(Json(Challenge {
        challenge,
        chain_id: app.chain_id,
        contract: app.job_manager,
        expires_in_s: limits::CHALLENGE_TTL_S,
    }))
}
