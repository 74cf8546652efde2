//! A device trades an assertion by its key for a short-lived token (RFC 7523).

use std::sync::Arc;

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{
    DeviceId, ErrorCode, Problem, SponsorId, limits,
    rest::devices::{PublicJwk, Token, TokenRequest},
};
use deadpool_postgres::GenericClient;
use serde::Deserialize;
use time::OffsetDateTime;
use tokio_postgres::types::{Json, ToSql};

use super::{
    assertion::{self, Lifetime},
    key::{self, DeviceKey},
};
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
    let enrolled = enrolled(&client, id).await?.ok_or_else(unknown)?;
    let DeviceKey::Jwt(algorithm, key) = &enrolled.key else {
        return Err(ApiError::new(
            ErrorCode::InvalidAssertion,
            "this device has a Stark key; it gets its token at /v1/devices/session",
        ));
    };
    let claims: Assertion =
        assertion::check(&request.assertion, (*algorithm, key), app.keys.issuer())?;
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
    let ends_at =
        OffsetDateTime::from_unix_timestamp(claims.exp).unwrap_or(OffsetDateTime::now_utc());
    if !is_first_use(&client, id, &claims.jti, ends_at).await? {
        return Err(ApiError::new(
            ErrorCode::InvalidAssertion,
            "this assertion was used before; sign a new one",
        ));
    }
    app.keys.issue(Role::Device { id, sponsor: enrolled.sponsor }).map(Reply)
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

/// A device that may ask for tokens.
pub(super) struct Enrolled {
    pub(super) sponsor: SponsorId,
    pub(super) key: DeviceKey,
}

/// The device, unless it is unknown or revoked.
pub(super) async fn enrolled(
    client: &impl GenericClient,
    id: DeviceId,
) -> Result<Option<Enrolled>, ApiError> {
    let Some(row) = database::query_opt(client, include_str!("key.sql"), &[&id.0]).await? else {
        return Ok(None);
    };
    let Json(jwk) = row.try_get::<_, Json<PublicJwk>>("public_key")?;
    Ok(Some(Enrolled { sponsor: SponsorId(row.try_get("sponsor_id")?), key: key::read(&jwk)? }))
}

/// Whether what this names was never shown before. Remembered for as long as it could be, whatever the clocks say.
pub(super) async fn is_first_use(
    client: &impl GenericClient,
    id: DeviceId,
    name: &str,
    ends_at: OffsetDateTime,
) -> Result<bool, ApiError> {
    let skew = time::Duration::seconds(i64::try_from(limits::CLOCK_SKEW_S).unwrap_or(0));
    let forget_at = ends_at + skew;
    let values: [&(dyn ToSql + Sync); 3] = [&id.0, &name, &forget_at];
    Ok(database::execute(client, include_str!("see_assertion.sql"), &values).await? == 1)
}

pub(super) fn unknown() -> ApiError {
    // The same words for unknown, revoked and malformed: a stranger learns nothing about who exists.
    ApiError::new(
        ErrorCode::InvalidAssertion,
        "the assertion names no device that may ask; claim the device first",
    )
}
