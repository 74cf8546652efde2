//! Shows a job to the device that asked for it, after a wait if wished.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::{JobId, Problem, rest::jobs::Job};

use super::wait;
use crate::{
    app::App,
    auth::Device,
    extract::{LongPoll, PathParam, QueryParams},
    problem::ApiError,
};

/// A job with its result, evidence and settlement as far as they exist.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job"), LongPoll),
    responses(
        (status = 200, body = Job, description = "The job"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours"),
))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
    QueryParams(query): QueryParams<LongPoll>,
) -> Result<Json<Job>, ApiError> {
    wait::until_final(&app, device.id, id, query.wait_ms).await.map(Json)
}
