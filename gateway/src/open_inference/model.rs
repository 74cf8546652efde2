//! What a client of the protocol asks about a model.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::rest::open_inference::{InferError, ModelMetadata, ModelReady, TensorMetadata};

use super::names;
use crate::{app::App, extract::PathParam, problem::ApiError};

/// A model in all its versions.
#[utoipa::path(get, operation_id = "oip_model_metadata", path = "/v2/models/{model}", tag = "open-inference",
    params(("model" = String, Path, description = "Its name with `--` or `%2F` for the slash, as `ciro--sha256`")), responses(
    (status = 200, body = ModelMetadata, description = "The model"),
    (status = 404, body = InferError, description = "No such model"),
))]
pub(crate) async fn metadata(
    State(app): State<Arc<App>>,
    PathParam(model): PathParam<String>,
) -> Result<Json<ModelMetadata>, ApiError> {
    show(&app, &model, None).await
}

/// A model in one version.
#[utoipa::path(get, operation_id = "oip_model_version_metadata", path = "/v2/models/{model}/versions/{version}", tag = "open-inference",
    params(("model" = String, Path, description = "Its name"), ("version" = String, Path, description = "What is behind the `@` of our names")), responses(
    (status = 200, body = ModelMetadata, description = "The model"),
    (status = 404, body = InferError, description = "No such model, or not in this version"),
))]
pub(crate) async fn version_metadata(
    State(app): State<Arc<App>>,
    PathParam((model, version)): PathParam<(String, String)>,
) -> Result<Json<ModelMetadata>, ApiError> {
    show(&app, &model, Some(&version)).await
}

async fn show(
    app: &App,
    name: &str,
    version: Option<&str>,
) -> Result<Json<ModelMetadata>, ApiError> {
    let models = names::find_all(app, name, version).await?;
    let tensor = |name: &str| TensorMetadata {
        name: name.to_owned(),
        datatype: "BYTES".to_owned(),
        shape: vec![-1],
    };
    Ok(Json(ModelMetadata {
        name: models.first().map(|model| names::parts(model).0.to_owned()).unwrap_or_default(),
        versions: models.iter().map(|model| names::parts(model).1.to_owned()).collect(),
        platform: "ciro".to_owned(),
        inputs: vec![tensor("INPUT")],
        outputs: vec![tensor("OUTPUT")],
    }))
}

/// Whether jobs for a model are taken.
#[utoipa::path(get, operation_id = "oip_model_ready", path = "/v2/models/{model}/ready", tag = "open-inference",
    params(("model" = String, Path, description = "Its name")), responses(
    (status = 200, body = ModelReady, description = "They are"),
    (status = 404, body = InferError, description = "No such model"),
))]
pub(crate) async fn ready(
    State(app): State<Arc<App>>,
    PathParam(model): PathParam<String>,
) -> Result<Json<ModelReady>, ApiError> {
    tell_ready(&app, &model, None).await
}

/// Whether jobs for a version of a model are taken.
#[utoipa::path(get, operation_id = "oip_model_version_ready", path = "/v2/models/{model}/versions/{version}/ready", tag = "open-inference",
    params(("model" = String, Path, description = "Its name"), ("version" = String, Path, description = "Its version")), responses(
    (status = 200, body = ModelReady, description = "They are"),
    (status = 404, body = InferError, description = "No such model, or not in this version"),
))]
pub(crate) async fn version_ready(
    State(app): State<Arc<App>>,
    PathParam((model, version)): PathParam<(String, String)>,
) -> Result<Json<ModelReady>, ApiError> {
    tell_ready(&app, &model, Some(&version)).await
}

async fn tell_ready(
    app: &App,
    name: &str,
    version: Option<&str>,
) -> Result<Json<ModelReady>, ApiError> {
    let model = names::find(app, name, version).await?;
    Ok(Json(ModelReady { name: names::parts(&model).0.to_owned(), ready: true }))
}
