//! Shows a sponsor its policy: the newest revision, or another one by its number.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use ciro_api::{ErrorCode, Problem, SponsorScope, rest::policies::StoredPolicy};
use ciro_paymaster::policy::{self, Revision};
use serde_json::value::RawValue;

use crate::{app::App, auth::Sponsor, extract::PathParam, problem::ApiError};

/// Your policy: the newest revision, which is the one that holds.
#[utoipa::path(get, operation_id = "get_policy", path = "/v1/sponsors/me/policy", tag = "sponsors", security(("sponsor_key" = [])), responses(
    (status = 200, body = StoredPolicy, description = "The newest revision", headers(("ETag" = String, description = "The number of the revision"))),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "You have no policy, so nothing is paid for"),
))]
pub(crate) async fn newest(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
) -> Result<Response, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    let client = app.pg.get().await?;
    let found = policy::revision(&**client, sponsor.id, None).await?;
    show(found.ok_or_else(super::none)?)
}

/// One revision of your policy. It never changes.
#[utoipa::path(get, operation_id = "get_policy_revision", path = "/v1/sponsors/me/policy/{revision}", tag = "sponsors", security(("sponsor_key" = [])),
    params(("revision" = u32, Path, description = "Its number, from 1")),
    responses(
        (status = 200, body = StoredPolicy, description = "The revision", headers(("ETag" = String, description = "The number of the revision"))),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "You have no such revision"),
))]
pub(crate) async fn revision(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    PathParam(number): PathParam<u32>,
) -> Result<Response, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    let unknown =
        || ApiError::new(ErrorCode::NotFound, format!("you have no revision {number} of a policy"));
    let wanted = i32::try_from(number).map_err(|_| unknown())?;
    let client = app.pg.get().await?;
    let found = policy::revision(&**client, sponsor.id, Some(wanted)).await?;
    show(found.ok_or_else(unknown)?)
}

fn show(found: Revision) -> Result<Response, ApiError> {
    let Revision { number, document } = found;
    let document = RawValue::from_string(document)
        .map_err(|e| ApiError::internal("reading a stored policy", &e))?;
    super::tagged(&StoredPolicy { revision: super::shown(number), document }, number)
}
