//! Serves the exact bytes of manifests and artifacts. Workers check their hashes themselves.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use ciro_api::{ErrorCode, ModelId};

use crate::{app::App, extract::PathParam, problem::ApiError};

/// Content never changes under its hash.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The manifest's exact bytes: their hash is the model's id.
#[utoipa::path(get, path = "/v1/models/{id}/manifest", tag = "models",
    params(("id" = ModelId, Path, description = "The model")),
    responses(
        (status = 200, content_type = "application/json", body = Object, description = "The manifest"),
        (status = 404, body = ciro_api::Problem, content_type = "application/problem+json", description = "No such model"),
))]
pub(crate) async fn manifest(
    State(app): State<Arc<App>>,
    PathParam(id): PathParam<ModelId>,
) -> Result<Response, ApiError> {
    bytes(&app, id, "SELECT manifest FROM model WHERE model_id = $1", "application/json").await
}

/// The artifact's exact bytes; the manifest pins their SHA-256.
#[utoipa::path(get, path = "/v1/models/{id}/artifact", tag = "models",
    params(("id" = ModelId, Path, description = "The model")),
    responses(
        (status = 200, content_type = "application/octet-stream", body = [u8], description = "The artifact"),
        (status = 404, body = ciro_api::Problem, content_type = "application/problem+json", description = "No such model, or a built-in one"),
))]
pub(crate) async fn artifact(
    State(app): State<Arc<App>>,
    PathParam(id): PathParam<ModelId>,
) -> Result<Response, ApiError> {
    let sql = "SELECT artifact FROM model WHERE model_id = $1 AND artifact IS NOT NULL";
    bytes(&app, id, sql, "application/octet-stream").await
}

async fn bytes(
    app: &App,
    id: ModelId,
    sql: &str,
    media_type: &'static str,
) -> Result<Response, ApiError> {
    let client = app.pg.get().await?;
    let row = client.query_opt(sql, &[&id.to_string()]).await?;
    let row = row.ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("no such bytes for model {id}"))
    })?;
    let body: Vec<u8> = row.try_get(0)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, FOREVER),
    ];
    Ok((headers, body).into_response())
}
