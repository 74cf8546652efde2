//! A device with a Stark key trades an answered challenge for a short-lived token.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, Problem,
    hash::{device::DeviceLogin, sign, snip12::TypedStruct},
    limits,
    rest::devices::{DeviceSessionRequest, Token},
};
use time::OffsetDateTime;

use super::{
    key::DeviceKey,
    token::{enrolled, is_first_use, unknown},
};
use crate::{
    app::App,
    auth::{
        challenge::{self, Answerer},
        keys::Role,
    },
    extract::Body,
    problem::ApiError,
    reply::Reply,
    workers::session::challenge_unknown,
};

/// A bearer token for 15 minutes.
#[utoipa::path(post, operation_id = "open_device_session", path = "/v1/devices/session", tag = "devices", request_body = DeviceSessionRequest, responses(
    (status = 200, body = Token, description = "The token"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No such device, an unknown challenge or a wrong signature"),
))]
pub(crate) async fn session(
    State(app): State<Arc<App>>,
    body: Body<DeviceSessionRequest>,
) -> Result<Reply<Token>, ApiError> {
    let DeviceSessionRequest { device, challenge, signature } = body.value;
    let client = app.pg.get().await?;
    let enrolled = enrolled(&client, device).await?.ok_or_else(unknown)?;
    let DeviceKey::Stark(key, account) = enrolled.key else {
        return Err(ApiError::new(
            ErrorCode::InvalidAssertion,
            "this device signs JWTs; it gets its token at /v1/devices/token",
        ));
    };
    if !challenge::is_open(&app.secret, Answerer::Device(key), challenge) {
        return Err(challenge_unknown());
    }
    let login = DeviceLogin { device, challenge, contract: app.job_manager };
    if !sign::verify(key, &login.message_hash(app.chain_id, account), &signature) {
        let detail = format!("the signature is not by the key that {device} claimed");
        return Err(ApiError::new(ErrorCode::WrongSignature, detail));
    }
    // Stored only now: whoever cannot sign cannot write. The second of two equal answers finds the first.
    let ttl = time::Duration::seconds(i64::try_from(limits::CHALLENGE_TTL_S).unwrap_or(i64::MAX));
    let ends_at = OffsetDateTime::now_utc() + ttl;
    if !is_first_use(&client, device, &challenge.to_string(), ends_at).await? {
        return Err(challenge_unknown());
    }
    app.keys.issue(Role::Device { id: device, sponsor: enrolled.sponsor }).map(Reply)
}
