//! What a client of the protocol asks before it asks for a model.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::rest::open_inference::{InferError, ServerLive, ServerMetadata, ServerReady};

use crate::{app::App, problem::ApiError};

/// What serves here.
#[utoipa::path(get, operation_id = "oip_server_metadata", path = "/v2", tag = "open-inference", responses(
    (status = 200, body = ServerMetadata, description = "The server"),
))]
pub(crate) async fn metadata() -> Json<ServerMetadata> {
    Json(ServerMetadata {
        name: "ciro-network".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extensions: vec!["binary_tensor_data".to_owned()],
    })
}

/// Whether this process answers.
#[utoipa::path(get, operation_id = "oip_server_live", path = "/v2/health/live", tag = "open-inference", responses(
    (status = 200, body = ServerLive, description = "It does"),
))]
pub(crate) async fn live() -> Json<ServerLive> {
    Json(ServerLive { live: true })
}

/// Whether it can take jobs.
#[utoipa::path(get, operation_id = "oip_server_ready", path = "/v2/health/ready", tag = "open-inference", responses(
    (status = 200, body = ServerReady, description = "It can"),
    (status = 503, body = InferError, description = "The database is away"),
))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<ServerReady>, ApiError> {
    app.pg.get().await?.query_one("SELECT 1", &[]).await?;
    Ok(Json(ServerReady { ready: true }))
}
