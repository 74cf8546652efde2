//! Tells a sponsor's servers where its money stands and how much its devices asked for.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, Problem, SponsorScope, limits,
    rest::sponsors::{Usage, UsageDay},
};
use serde::Deserialize;
use tokio_postgres::Row;
use utoipa::IntoParams;

use crate::{
    app::App, auth::Sponsor, database, extract::QueryParams, problem::ApiError, reply::Reply,
};

/// How far back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// How many days, today included: 1 to 31; 7 unless told.
    #[serde(default = "days_default")]
    #[param(minimum = 1, maximum = 31)]
    days: u32,
}

fn days_default() -> u32 {
    limits::USAGE_DAYS_DEFAULT
}

/// Budget, held and spent as they stand, and the accepted jobs of each day in UTC.
#[utoipa::path(get, operation_id = "get_sponsor_usage", path = "/v1/sponsors/me/usage", tag = "sponsors", security(("sponsor_key" = [])), params(UsageQuery), responses(
    (status = 200, body = Usage, description = "The usage"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn usage(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    QueryParams(query): QueryParams<UsageQuery>,
) -> Result<Reply<Usage>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    if !(1..=limits::USAGE_DAYS_MAX).contains(&query.days) {
        let detail = format!("1 to {} days, not {}", limits::USAGE_DAYS_MAX, query.days);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/days", detail).into());
    }
    let books = super::books(&app, sponsor.id).await?;
    let days = i32::try_from(query.days).unwrap_or(i32::MAX);
    let client = app.pg.get().await?;
    let rows = database::query(
        &client,
        include_str!("usage.sql"),
        &[&sponsor.id.0, &days, &limits::USAGE_JOBS_PER_DAY_MAX],
    )
    .await?;
    Ok(Reply(Usage {
        budget_fri: books.free,
        held_fri: books.held,
        spent_fri: books.spent,
        days: rows.iter().map(read).collect::<Result<_, _>>()?,
    }))
}

fn read(row: &Row) -> Result<UsageDay, ApiError> {
    let jobs: i64 = row.try_get("jobs")?;
    Ok(UsageDay {
        day: row.try_get("day")?,
        jobs: u64::try_from(jobs).unwrap_or(0),
        at_least: jobs >= limits::USAGE_JOBS_PER_DAY_MAX,
    })
}
