//! Lists a sponsor's deliveries that were given up, so that nothing ends in silence.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::{
    ErrorCode, EventId, JobId, Problem, SponsorScope, limits,
    rest::webhooks::{FailedDelivery, FailedDeliveryPage},
};
use serde::Deserialize;
use tokio_postgres::Row;
use utoipa::IntoParams;

use crate::{
    app::App,
    auth::Sponsor,
    database::{self, DatabaseError, read},
    extract::QueryParams,
    problem::ApiError,
};

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FailedQuery {
    /// Only those behind this one: the `next_after` of the page before.
    after: Option<EventId>,
    /// How many at most, 1 to 100; 50 unless told.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 100)]
    limit: u32,
}

fn limit_default() -> u32 {
    limits::JOB_PAGE_DEFAULT
}

/// Deliveries of your jobs' events that were given up in the last 30 days, newest event first.
#[utoipa::path(get, operation_id = "list_failed_deliveries", path = "/v1/webhooks/failed", tag = "webhooks", security(("sponsor_key" = [])), params(FailedQuery), responses(
    (status = 200, body = FailedDeliveryPage, description = "A page of them"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn failed(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    QueryParams(query): QueryParams<FailedQuery>,
) -> Result<Json<FailedDeliveryPage>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    if !(1..=limits::JOB_PAGE_MAX).contains(&query.limit) {
        let detail = format!("the limit is 1 to {}, not {}", limits::JOB_PAGE_MAX, query.limit);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/limit", detail).into());
    }
    let (after, one_more) = (query.after.map(|event| event.0), i64::from(query.limit) + 1);
    let client = app.pg.get().await?;
    let rows =
        database::query(&client, include_str!("failed.sql"), &[&sponsor.id.0, &after, &one_more])
            .await?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let data: Vec<FailedDelivery> =
        rows.iter().take(limit).map(read_failed).collect::<Result<_, _>>()?;
    let has_more = rows.len() > limit;
    let next_after = data.last().filter(|_| has_more).map(|last| last.event);
    Ok(Json(FailedDeliveryPage { data, has_more, next_after }))
}

fn read_failed(row: &Row) -> Result<FailedDelivery, DatabaseError> {
    let status: Option<i32> = row.try_get("last_status")?;
    Ok(FailedDelivery {
        event: EventId(row.try_get("event_id")?),
        kind: read(row, "kind")?,
        job: JobId(row.try_get("job_id")?),
        url: row.try_get("url")?,
        tries: u32::try_from(row.try_get::<_, i32>("tries")?).unwrap_or(0),
        last_status: status.and_then(|status| status.try_into().ok()),
        reason: row.try_get("reason")?,
        failed_at: row.try_get("failed_at")?,
    })
}
