//! Health and keys: what load balancers and token checkers ask.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::rest::health::Health;

use crate::{app::App, problem::ApiError, reply::Reply};

/// Whether this replica can serve.
#[utoipa::path(get, path = "/v1/health", tag = "service", responses(
    (status = 200, body = Health, description = "Serving"),
    (status = 503, body = ciro_api::Problem, content_type = "application/problem+json", description = "The database is away"),
))]
pub(crate) async fn health(State(app): State<Arc<App>>) -> Result<Reply<Health>, ApiError> {
    ready(&app).await?;
    let status = if app.queue.ping().await.is_ok() { "ok" } else { "degraded" };
    Ok(Reply(Health {
        status: status.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        issuer: app.keys.issuer().to_owned(),
    }))
}

/// Fails unless this replica can accept and finish jobs. Without Redis it can.
pub(crate) async fn ready(app: &App) -> Result<(), ApiError> {
    app.pg.get().await?.query_one("SELECT 1", &[]).await?;
    Ok(())
}

/// The keys that tokens of this network are signed with (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "service", responses(
    (status = 200, body = Object, description = "The key set"),
))]
pub(crate) async fn jwks(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    Json(app.keys.jwks())
}
