//! Runs a model on every element of a tensor and waits for all of them, for so long and no longer.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use ciro_api::{
    ErrorCode, JobId, JobStatus, limits,
    rest::open_inference::{InferError, InferReply, InferRequest},
};
use serde_json::{Map, json};
use tokio::time::Instant;

use super::{names, tensor};
use crate::{
    app::App,
    auth::Device,
    extract::{self, PathParam},
    jobs::{accept_elements, wait},
    models::Model,
    problem::ApiError,
};

const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Runs the newest version of a model. Every element is a job; the reply comes when all have ended, or after 30 seconds with 504.
#[utoipa::path(post, operation_id = "oip_infer", path = "/v2/models/{model}/infer", tag = "open-inference",
    request_body = InferRequest, security(("bearer" = [])),
    params(("model" = String, Path, description = "Its name with `--` or `%2F` for the slash, as `ciro--sha256`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat: the same jobs are waited for"),
        ("Inference-Header-Content-Length" = Option<u64>, Header, description = "Length of the JSON, when tensors come behind it")),
    responses(
    (status = 200, body = InferReply, description = "All jobs succeeded"),
    (status = 400, body = InferError, description = "Malformed"),
    (status = 401, body = InferError, description = "No good token"),
    (status = 402, body = InferError, description = "The sponsor does not pay for it"),
    (status = 404, body = InferError, description = "No such model"),
    (status = 429, body = InferError, description = "The device's quota is used up"),
    (status = 502, body = InferError, description = "A job ended without a result"),
    (status = 504, body = InferError, description = "Not all jobs ended in time; they go on"),
))]
pub(crate) async fn infer(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(model): PathParam<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let model = names::find(&app, &model, None).await?;
    run(app, device, model, &headers, &body).await
}

/// Runs one version of a model; otherwise as `oip_infer`.
#[utoipa::path(post, operation_id = "oip_infer_version", path = "/v2/models/{model}/versions/{version}/infer", tag = "open-inference",
    request_body = InferRequest, security(("bearer" = [])),
    params(("model" = String, Path, description = "Its name"), ("version" = String, Path, description = "Its version")),
    responses(
    (status = 200, body = InferReply, description = "All jobs succeeded"),
    (status = 400, body = InferError, description = "Malformed"),
    (status = 401, body = InferError, description = "No good token"),
    (status = 402, body = InferError, description = "The sponsor does not pay for it"),
    (status = 404, body = InferError, description = "No such model, or not in this version"),
    (status = 429, body = InferError, description = "The device's quota is used up"),
    (status = 502, body = InferError, description = "A job ended without a result"),
    (status = 504, body = InferError, description = "Not all jobs ended in time; they go on"),
))]
pub(crate) async fn infer_version(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam((model, version)): PathParam<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let model = names::find(&app, &model, Some(&version)).await?;
    run(app, device, model, &headers, &body).await
}

async fn run(
    app: Arc<App>,
    device: Device,
    model: Arc<Model>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let detail = "compressed bodies are not read here; send it as it is";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, detail));
    }
    let length = headers.get(&JSON_LENGTH).map(|value| value.to_str().unwrap_or(""));
    let (json, binary) = tensor::split(length, body)?;
    let request: InferRequest = extract::parse_json(json)?;
    let elements = tensor::read(&request, binary)?;
    let ids = accept_elements::accept(&app, device, &model, headers, elements).await?;
    let outputs = outputs(&app, device, &ids).await?;
    reply(&model, &request, &ids, &outputs)
}

async fn outputs(app: &App, device: Device, ids: &[JobId]) -> Result<Vec<Vec<u8>>, ApiError> {
    let deadline = Instant::now() + Duration::from_millis(limits::WAIT_MS_MAX);
    let mut outputs = Vec::with_capacity(ids.len());
    for id in ids {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait_ms = u64::try_from(left.as_millis()).unwrap_or(0);
        let job = wait::until_final(app, device.id, *id, wait_ms).await?;
        match (job.output, job.status) {
            (Some(output), JobStatus::Succeeded) => outputs.push(output.data.0),
            (_, status) if status.is_final() => {
                let reason = job.failure.map(|failure| failure.reason).unwrap_or_default();
                let detail = format!("job {id} has {status}: {reason}");
                return Err(ApiError::new(ErrorCode::JobFailed, detail));
            }
            (_, status) => {
                let detail = format!(
                    "job {id} is still {status}; it goes on, and GET /v1/jobs/{id} has its result. With an Idempotency-Key, the same request waits on"
                );
                return Err(ApiError::new(ErrorCode::WaitOver, detail));
            }
        }
    }
    Ok(outputs)
}

fn reply(
    model: &Model,
    request: &InferRequest,
    ids: &[JobId],
    outputs: &[Vec<u8>],
) -> Result<Response, ApiError> {
    let media_type = &model.manifest.output.media_type;
    let is_text = media_type.starts_with("text/") || media_type == "application/json";
    let (output, binary) = tensor::write(request, outputs, is_text);
    let (name, version) = names::parts(model);
    let document = InferReply {
        model_name: name.to_owned(),
        model_version: version.to_owned(),
        id: request.id.clone(),
        parameters: Map::from_iter([("jobs".to_owned(), json!(ids))]),
        outputs: vec![output],
    };
    let mut body = serde_json::to_vec(&document)
        .map_err(|e| ApiError::internal("writing an inference reply", &e))?;
    if !tensor::wants_binary(request) {
        return Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response());
    }
    let length = body.len().to_string();
    body.extend(binary);
    let bytes = "application/octet-stream".to_owned();
    Ok(([(header::CONTENT_TYPE, bytes), (JSON_LENGTH, length)], body).into_response())
}
