//! Lists a sponsor's devices to its servers, newest first, revoked ones too.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{DeviceId, ErrorCode, Problem, SponsorScope, limits, rest::devices::DevicePage};
use serde::Deserialize;
use utoipa::IntoParams;

use super::shown;
use crate::{
    app::App, auth::Sponsor, database, extract::QueryParams, problem::ApiError, reply::Reply,
};

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceQuery {
    /// Only those behind this one: the `next_after` of the page before.
    after: Option<DeviceId>,
    /// How many at most, 1 to 100; 50 unless told.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 100)]
    limit: u32,
}

fn limit_default() -> u32 {
    limits::DEVICE_PAGE_DEFAULT
}

/// The caller's devices, newest first. A revoked one stays and says since when.
#[utoipa::path(get, operation_id = "list_devices", path = "/v1/devices", tag = "devices", security(("sponsor_key" = [])), params(DeviceQuery), responses(
    (status = 200, body = DevicePage, description = "A page of devices"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    QueryParams(query): QueryParams<DeviceQuery>,
) -> Result<Reply<DevicePage>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    if !(1..=limits::DEVICE_PAGE_MAX).contains(&query.limit) {
        let detail = format!("the limit is 1 to {}, not {}", limits::DEVICE_PAGE_MAX, query.limit);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/limit", detail).into());
    }
    // One more than is shown tells whether there are more.
    let most = i64::from(query.limit) + 1;
    let after = query.after.map(|device| device.0);
    let client = app.pg.get().await?;
    let rows =
        database::query(&client, include_str!("list.sql"), &[&sponsor.id.0, &after, &most]).await?;
    drop(client);
    let mut data = Vec::with_capacity(rows.len());
    for row in &rows {
        data.push(shown(DeviceId(row.try_get("device_id")?), Some(row))?);
    }
    let shown = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = data.len() > shown;
    data.truncate(shown);
    let next_after = data.last().map(|device| device.id).filter(|_| has_more);
    Ok(Reply(DevicePage { data, has_more, next_after }))
}
