//! Lists the catalogue.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::rest::models::{Model as Shown, ModelList};

use super::Model;
use crate::{app::App, problem::ApiError, reply::Reply};

/// Every registered model with its price.
#[utoipa::path(get, path = "/v1/models", tag = "models", responses(
    (status = 200, body = ModelList, description = "The catalogue"),
))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Reply<ModelList>, ApiError> {
    let models = super::load(&app).await?;
    Ok(Reply(ModelList { data: models.iter().map(|model| show(model)).collect() }))
}

fn show(model: &Model) -> Shown {
    let Model { id, manifest, price, pool, expected_run_ms } = model;
    Shown {
        id: *id,
        name: manifest.name.clone(),
        level: manifest.level,
        scheme: manifest.scheme,
        input_bytes_max: u64::try_from(manifest.input.bytes_max).unwrap_or(u64::MAX),
        input_media_type: manifest.input.media_type.clone(),
        output_media_type: manifest.output.media_type.clone(),
        price_fri: *price,
        pool: pool.clone(),
        expected_run_ms: *expected_run_ms,
        manifest_url: format!("/v1/models/{id}/manifest"),
        artifact_url: manifest.artifact.as_ref().map(|_| format!("/v1/models/{id}/artifact")),
    }
}
