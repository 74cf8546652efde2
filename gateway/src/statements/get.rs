//! Shows a worker one of its statements.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{ErrorCode, Problem, StatementId, rest::statements::StatementDocument};
use ciro_paymaster::statements;

use crate::{app::App, auth::Worker, extract::PathParam, problem::ApiError, reply::Reply};

/// One of the caller's statements, wherever it stands.
#[utoipa::path(get, operation_id = "get_statement", path = "/v1/statements/{id}", tag = "workers", security(("bearer" = [])),
    params(("id" = StatementId, Path, description = "The statement")), responses(
    (status = 200, body = StatementDocument, description = "The statement"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such statement, or another worker's"),
))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    worker: Worker,
    PathParam(id): PathParam<StatementId>,
) -> Result<Reply<StatementDocument>, ApiError> {
    let client = app.pg.get().await?;
    let found = statements::get(&**client, id).await.map_err(|e| ApiError::from_store(&e))?;
    found
        .filter(|document| document.worker == worker.address)
        .map(Reply)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("you have no statement {id}")))
}
