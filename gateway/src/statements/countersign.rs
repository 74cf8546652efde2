//! Takes a worker's signature under a statement.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use ciro_api::{ErrorCode, Problem, StatementId, rest::statements::CountersignRequest};
use ciro_paymaster::statements;

use crate::{
    app::App,
    auth::Worker,
    extract::{Body, PathParam},
    problem::ApiError,
};

/// Countersigns a statement. The same signature again is no change.
#[utoipa::path(post, path = "/v1/statements/{id}/countersign", tag = "workers", security(("bearer" = [])),
    params(("id" = StatementId, Path, description = "The statement")), request_body = CountersignRequest, responses(
    (status = 204, description = "Countersigned"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token, or wrong signature"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such statement"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Another worker's, or signed otherwise"),
))]
pub(crate) async fn countersign(
    State(app): State<Arc<App>>,
    worker: Worker,
    PathParam(id): PathParam<StatementId>,
    body: Body<CountersignRequest>,
) -> Result<StatusCode, ApiError> {
    let client = app.pg.get().await?;
    statements::countersign(&**client, id, worker.address, body.value.signature, app.chain_id)
        .await
        .map_err(|error| match error.code() {
            ErrorCode::Internal => ApiError::internal("countersigning", &error),
            ErrorCode::Unavailable => ApiError::unavailable("the database", &error),
            code => ApiError::new(code, error.to_string()),
        })?;
    Ok(StatusCode::NO_CONTENT)
}
