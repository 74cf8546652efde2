//! Lists the caller's jobs, newest first. One page never looks at more rows than its bound, however many there are.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, JobId, JobStatus, Problem, limits,
    rest::jobs::{JobPage, JobSummary},
};
use serde::Deserialize;
use tokio_postgres::Row;
use utoipa::IntoParams;
use uuid::Uuid;

use super::summary;
use crate::{
    app::App, auth::Device, database, extract::QueryParams, models, problem::ApiError, reply::Reply,
};

/// Which page of which jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Only those that stand here.
    pub(crate) status: Option<JobStatus>,
    /// Only those of this model, by name or id.
    pub(crate) model: Option<String>,
    /// Only those behind this one: the `next_after` of the page before.
    pub(crate) after: Option<JobId>,
    /// How many at most, 1 to 100; 50 unless told.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 100)]
    pub(crate) limit: u32,
}

fn limit_default() -> u32 {
    limits::JOB_PAGE_DEFAULT
}

/// The caller's jobs, newest first. With a filter a page may hold fewer than `limit`, or none, while `has_more` is true:
/// go on with `next_after`.
#[utoipa::path(get, operation_id = "list_jobs", path = "/v1/jobs", tag = "jobs", security(("bearer" = [])), params(PageQuery), responses(
    (status = 200, body = JobPage, description = "A page of jobs"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Unknown model"),
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    device: Device,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Reply<JobPage>, ApiError> {
    run(&app, device, &query).await.map(Reply)
}

/// One page of the device's jobs.
pub(crate) async fn run(app: &App, device: Device, query: &PageQuery) -> Result<JobPage, ApiError> {
    if !(1..=limits::JOB_PAGE_MAX).contains(&query.limit) {
        let detail = format!("the limit is 1 to {}, not {}", limits::JOB_PAGE_MAX, query.limit);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/limit", detail).into());
    }
    page(app, device, query).await
}

async fn page(app: &App, device: Device, query: &PageQuery) -> Result<JobPage, ApiError> {
    let model = match &query.model {
        Some(reference) => Some(models::find(app, reference).await?.id.to_string()),
        None => None,
    };
    let status = query.status.map(JobStatus::as_str);
    let filtered = model.is_some() || status.is_some();
    // One more than is shown tells whether there are more.
    let most = i64::from(query.limit) + 1;
    let look_at = if filtered { limits::JOB_PAGE_LOOK_MAX } else { most };
    let after = query.after.map(|job| job.0);
    let client = app.pg.get().await?;
    let rows = database::query(
        &client,
        concat!(include_str!("of_device.sql"), include_str!("list.sql")),
        &[&device.id.0, &after, &look_at, &model, &status, &most],
    )
    .await?;
    drop(client);
    let shown = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut data = read(app, &rows).await?;
    let next_after = if data.len() > shown {
        data.truncate(shown);
        data.last().map(|job| job.id)
    } else {
        unseen_behind(&rows, look_at)?
    };
    Ok(JobPage { data, has_more: next_after.is_some(), next_after })
}

async fn read(app: &App, rows: &[Row]) -> Result<Vec<JobSummary>, ApiError> {
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        // The row about the scan comes alone when nothing was found.
        if row.try_get::<_, Option<Uuid>>("job_id")?.is_some() {
            data.push(summary::read(app, row).await?);
        }
    }
    Ok(data)
}

/// Where the look broke off because of its own bound, if it did.
fn unseen_behind(rows: &[Row], look_at: i64) -> Result<Option<JobId>, ApiError> {
    let Some(scan) = rows.first() else {
        return Ok(None);
    };
    let broke_off = scan.try_get::<_, i64>("looked")? >= look_at;
    let horizon: Option<Uuid> = scan.try_get("horizon")?;
    Ok(horizon.filter(|_| broke_off).map(JobId))
}
