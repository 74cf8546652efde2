//! The one error edge: everything that goes wrong becomes a `Problem` here, and is logged here, once.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ciro_api::{ErrorCode, Problem};
use ciro_paymaster::StoreError;

mod concise;
mod open_inference;
pub(crate) mod pages;

use crate::{cbor, database::DatabaseError, media::Format, observe, queue::QueueError};

/// What a handler answers when it cannot do what was asked.
#[derive(Clone, Debug)]
pub(crate) struct ApiError(Box<Problem>);

impl ApiError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// The code it will travel under.
    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Our fault: the cause is logged, the caller learns only that it may try again.
    pub(crate) fn internal(doing: &'static str, cause: &dyn std::error::Error) -> Self {
        tracing::error!(doing, cause = chain(cause), "a request failed by our fault");
        Self::new(
            ErrorCode::Internal,
            format!("{doing} failed on our side; the request id finds it in our logs"),
        )
    }

    /// The paymaster's side of the database failed.
    pub(crate) fn from_store(error: &StoreError) -> Self {
        match error {
            StoreError::Database(cause) if crate::database::is_away(cause) => {
                Self::unavailable("the database", cause)
            }
            _ => Self::internal("reading the ledger", error),
        }
    }

    pub(crate) fn unavailable(what: &'static str, cause: &dyn std::error::Error) -> Self {
        tracing::warn!(what, cause = chain(cause), "a part we need is away");
        Self::new(
            ErrorCode::Unavailable,
            format!(
                "{what} did not answer; try again, under the same idempotency key where doing it twice would count"
            ),
        )
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Box<Problem>> for ApiError {
    fn from(problem: Box<Problem>) -> Self {
        Self(problem)
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        *error.0
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        if error.is_unavailable() {
            Self::unavailable("the database", &error)
        } else {
            Self::internal("a database statement", &error)
        }
    }
}

impl From<tokio_postgres::Error> for ApiError {
    fn from(error: tokio_postgres::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<deadpool_postgres::PoolError> for ApiError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        Self::unavailable("the queue", &error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// Writes problems with the request's id, as `application/problem+json` or in the form of RFC 9290; the outermost of our
/// layers, so that refusals of the layers below (unknown paths, time-outs, panics) look the same as our own.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let request_id = request.headers().get(crate::stack::REQUEST_ID).cloned();
    let format = Format::for_problems(request.headers());
    let open_inference = open_inference::is_path(request.uri().path());
    let mut response = next.run(request).await;
    let known = response.extensions_mut().remove::<Box<Problem>>();
    let Some(problem) = known.or_else(|| foreign(&response)) else {
        return response;
    };
    let mut problem = *problem;
    observe::refused(problem.code);
    problem.request_id = request_id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
    let status = response.status();
    let busy = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let retryable = problem.retryable && busy;
    let unauthenticated = status == StatusCode::UNAUTHORIZED;
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut rendered =
        if open_inference { open_inference::render(&problem) } else { render_as(&problem, format) };
    *rendered.status_mut() = status;
    let headers = rendered.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Some(allow) = allow {
        headers.insert(header::ALLOW, allow);
    }
    if retryable {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    rendered
}

fn render_as(problem: &Problem, format: Format) -> Response {
    match write(problem, format) {
        Ok(body) => ([(header::CONTENT_TYPE, format.problem_type())], body).into_response(),
        // Written text cannot fail; should it, the status still tells what happened.
        Err(error) => {
            tracing::error!(error, "a problem could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn write(problem: &Problem, format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Json => serde_json::to_vec(problem).map_err(|e| e.to_string()),
        Format::Cbor => cbor::write(&concise::Concise(problem)).map_err(|e| e.to_string()),
    }
}

/// A refusal that a library made.
fn foreign(response: &Response) -> Option<Box<Problem>> {
    let (code, detail) = match response.status() {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "no such path; the API is at /openapi.json"),
        StatusCode::METHOD_NOT_ALLOWED => {
            (ErrorCode::MethodNotAllowed, "this path takes other methods; see the Allow header")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            (ErrorCode::BodyTooLarge, "the body is over the limit of this path")
        }
        StatusCode::REQUEST_TIMEOUT => {
            (ErrorCode::RequestTimeout, "the request did not arrive in time")
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            (ErrorCode::Internal, "the request failed on our side")
        }
        _ => return None,
    };
    Some(Box::new(Problem::new(code, detail)))
}
