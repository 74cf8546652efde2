//! Tells a sponsor's servers what its operations on chain came to.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{ErrorCode, Problem, SponsorScope, limits, rest::operations::OperationsReport};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{app::App, auth::Sponsor, extract::QueryParams, problem::ApiError, reply::Reply};

/// How far back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OperationsQuery {
    /// How many days, today included: 1 to 31; 7 unless told.
    #[serde(default = "days_default")]
    #[param(minimum = 1, maximum = 31)]
    days: u32,
}

fn days_default() -> u32 {
    limits::USAGE_DAYS_DEFAULT
}

/// Operations and their cost in all, by rule, by device and by key, and what the policy has refused.
#[utoipa::path(get, operation_id = "get_sponsor_operations", path = "/v1/sponsors/me/operations", tag = "sponsors", security(("sponsor_key" = [])), params(OperationsQuery), responses(
    (status = 200, body = OperationsReport, description = "The report"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn operations(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    QueryParams(query): QueryParams<OperationsQuery>,
) -> Result<Reply<OperationsReport>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    if !(1..=limits::USAGE_DAYS_MAX).contains(&query.days) {
        let detail = format!("1 to {} days, not {}", limits::USAGE_DAYS_MAX, query.days);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/days", detail).into());
    }
    let client = app.pg.get().await?;
    let report = ciro_paymaster::sponsors::operations(&**client, sponsor.id, query.days)
        .await
        .map_err(|error| ApiError::from_store(&error))?;
    Ok(Reply(report))
}
