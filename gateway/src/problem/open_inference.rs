//! A problem as clients of the Open Inference Protocol read it. Carries less than the others: what the protocol has no place for
//! goes into headers.

use axum::{
    Json,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use ciro_api::{Problem, rest::open_inference::InferError};

const CODE: HeaderName = HeaderName::from_static("ciro-error-code");

/// Whether the path is one of the protocol's.
pub(super) fn is_path(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

pub(super) fn render(problem: &Problem) -> Response {
    let code = HeaderValue::from_static(problem.code.as_str());
    let error = InferError { error: problem.to_string() };
    ([(CODE, code)], Json(error)).into_response()
}
