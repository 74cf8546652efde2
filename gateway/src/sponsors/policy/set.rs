//! Stores a sponsor's policy as its newest revision.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use ciro_api::{ErrorCode, Problem, SponsorScope, rest::policies::NewPolicy};
use ciro_paymaster::policy::{self, PolicyDocument, PolicyStoreError};

use super::{expected, refused, shown, tagged};
use crate::{app::App, auth::Sponsor, extract::JsonBytes, problem::ApiError};

/// Stores a document as the newest revision of your policy. It holds once this is answered, and every revision is kept as it
/// was written. With `If-Match` it is stored only if the newest revision is the one that you know.
#[utoipa::path(put, operation_id = "put_policy", path = "/v1/sponsors/me/policy", tag = "sponsors", security(("sponsor_key" = [])),
    params(
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the revision that this one takes the place of"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: there must be no policy yet"),
    ),
    request_body(content = PolicyDocument, description = "The document"),
    responses(
        (status = 200, body = NewPolicy, description = "Stored", headers(("ETag" = String, description = "The number of the revision"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed, or it means something that it cannot mean"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "The newest revision is another one"),
))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let expected = expected::read(&headers)?;
    super::read(&bytes)?;
    let document = std::str::from_utf8(&bytes)
        .map_err(|e| ApiError::new(ErrorCode::InvalidJson, format!("the body is not JSON: {e}")))?;
    let client = app.pg.get().await?;
    let stored = policy::store_over(&**client, sponsor.id, document, expected).await;
    let revision = stored.map_err(not_stored)?;
    tracing::info!(revision, sponsor = %sponsor.id, "a policy was stored");
    tagged(&NewPolicy { revision: shown(revision) }, revision)
}

fn not_stored(error: PolicyStoreError) -> ApiError {
    match error {
        PolicyStoreError::Document(fault) => refused(&fault),
        PolicyStoreError::UnknownSponsor(_) => {
            ApiError::new(ErrorCode::NotFound, error.to_string())
        }
        PolicyStoreError::Overtaken { newest: 0 } => {
            ApiError::new(ErrorCode::PreconditionFailed, "you have no policy yet")
        }
        PolicyStoreError::Overtaken { .. } => {
            ApiError::new(ErrorCode::PreconditionFailed, error.to_string())
        }
        PolicyStoreError::Database(error) => error.into(),
    }
}
