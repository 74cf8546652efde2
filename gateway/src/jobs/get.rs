//! Shows a job to the device that asked for it, after a wait if wished, and only if it changed if wished.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ciro_api::{JobId, Problem, rest::jobs::Job};

use super::{
    etag::{Known, Tagged},
    wait,
};
use crate::{
    app::App,
    auth::Device,
    extract::{LongPoll, PathParam, QueryParams},
    media::Format,
    problem::ApiError,
};

/// A job with its result, evidence and settlement as far as they exist. With `wait_ms` the reply comes when the job
/// ended; with `If-None-Match` beside it, when the job is no longer the one that the caller has.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job"), LongPoll,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the reply that the caller has"),
    ),
    responses(
        (status = 200, body = Job, description = "The job", headers(("ETag" = String, description = "Names exactly this reply"))),
        (status = 304, description = "The caller has it already"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours"),
))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
    QueryParams(query): QueryParams<LongPoll>,
    format: Format,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = Known::read(&headers);
    let has = |tagged: &Tagged| known.as_ref().is_some_and(|known| known.has(&tagged.tag));
    let job = if known.is_none() {
        wait::until_final(&app, device.id, id, query.wait_ms).await?
    } else {
        let changed = |job: &Job| Tagged::of(job, format).map(|tagged| !has(&tagged));
        wait::until(&app, device.id, id, query.wait_ms, changed).await?
    };
    let tagged = Tagged::of(&job, format)?;
    let mut response = if has(&tagged) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, format.media_type())], tagged.body).into_response()
    };
    let tag = HeaderValue::from_str(&tagged.tag)
        .map_err(|e| ApiError::internal("writing an entity tag", &e))?;
    let reply = response.headers_mut();
    reply.insert(header::ETAG, tag);
    // Only for its owner, and never without asking again.
    reply.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if !job.status.is_final() {
        reply.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}
