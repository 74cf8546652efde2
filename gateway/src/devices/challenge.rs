//! Gives a device with a Stark key something to sign: for its claim, or for a token.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    Problem, limits,
    rest::{devices::DeviceChallengeRequest, workers::Challenge},
};

use crate::{
    app::App,
    auth::challenge::{self, Answerer},
    extract::Body,
    problem::ApiError,
    reply::Reply,
};

/// A challenge for a Stark key, to be answered in a claim or at /v1/devices/session.
#[utoipa::path(post, operation_id = "challenge_device", path = "/v1/devices/challenge", tag = "devices", request_body = DeviceChallengeRequest, responses(
    (status = 200, body = Challenge, description = "Sign this"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
))]
pub(crate) async fn challenge(
    State(app): State<Arc<App>>,
    body: Body<DeviceChallengeRequest>,
) -> Result<Reply<Challenge>, ApiError> {
    Ok(Reply(Challenge {
        challenge: challenge::make(&app.secret, Answerer::Device(body.value.key)),
        chain_id: app.chain_id,
        contract: app.job_manager,
        expires_in_s: limits::CHALLENGE_TTL_S,
    }))
}
