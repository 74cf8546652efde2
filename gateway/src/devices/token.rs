//! A device trades an assertion by its key for a short-lived token (RFC 7523).

use std::sync::Arc;

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{
    DeviceId, ErrorCode, Problem, SponsorId, limits,
    rest::devices::{Token, TokenRequest},
};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::assertion::{self, Lifetime};
use crate::{
    app::App, auth::keys::Role, database, extract::FormBody, problem::ApiError, reply::Reply,
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Bounds what one assertion can make us store.
const JTI_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Lifetime for Assertion {
    fn issued_at(&self) -> i64 {
        self.iat
    }
    fn expires_at(&self) -> i64 {
        self.exp
    }
}

/// A bearer token for 15 minutes.
#[utoipa::path(post, path = "/v1/devices/token", tag = "devices",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Token, description = "The token"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "The assertion is no good"),
))]
pub(crate) async fn token(
    State(app): State<Arc<App>>,
    FormBody(request): FormBody<TokenRequest>,
) -> Result<Reply<Token>, ApiError> {
    if request.grant_type != GRANT_TYPE {
        let problem = Problem::new(ErrorCode::InvalidRequest, "only one grant type is offered");
        return Err(problem.at("/grant_type", format!("must be `{GRANT_TYPE}`")).into());
    }
    let id = claimed_id(&request.assertion)?;
    let client = app.pg.get().await?;
    let row = database::query_opt(&client, include_str!("key.sql"), &[&id.0])
        .await?
        .ok_or_else(unknown)?;
    let claims: Assertion = assertion::check(&request.assertion, &key(&row)?, app.keys.issuer())?;
    if claims.iss != claims.sub || claims.sub != id.to_string() {
        return Err(ApiError::new(
            ErrorCode::InvalidAssertion,
            "`iss` and `sub` must both be the device id",
        ));
    }
    if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
        let detail = format!("`jti` must have 1 to {JTI_BYTES_MAX} bytes");
        return Err(ApiError::new(ErrorCode::InvalidAssertion, detail));
    }
    let forget_at = OffsetDateTime::from_unix_timestamp(claims.exp)
        .unwrap_or(OffsetDateTime::now_utc())
        + time::Duration::seconds(i64::try_from(limits::CLOCK_SKEW_S).unwrap_or(0));
    let fresh = database::execute(
        &client,
        include_str!("see_assertion.sql"),
        &[&id.0, &claims.jti, &forget_at],
    )
    .await?;
    if fresh == 0 {
        return Err(ApiError::new(
            ErrorCode::InvalidAssertion,
            "this assertion was used before; sign a new one",
        ));
    }
    let sponsor = SponsorId(row.try_get("sponsor_id")?);
    app.keys.issue(Role::Device { id, sponsor }).map(Reply)
}

/// Who the assertion says it is from; believed only after its signature was checked with that device's key.
fn claimed_id(jwt: &str) -> Result<DeviceId, ApiError> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let payload = jwt.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let subject = payload.and_then(|bytes| serde_json::from_slice::<Subject>(&bytes).ok());
    subject.and_then(|s| s.sub.parse().ok()).ok_or_else(unknown)
}

fn key(row: &Row) -> Result<DecodingKey, ApiError> {
    let coordinate = |column| row.try_get::<_, Vec<u8>>(column).map(|b| URL_SAFE_NO_PAD.encode(b));
    let (x, y) = (coordinate("key_x")?, coordinate("key_y")?);
    DecodingKey::from_ec_components(&x, &y)
        .map_err(|e| ApiError::internal("reading a stored key", &e))
}

fn unknown() -> ApiError {
    // The same words for unknown, revoked and malformed: a stranger learns nothing about who exists.
    ApiError::new(
        ErrorCode::InvalidAssertion,
        "the assertion names no device that may ask; claim the device first",
    )
}
