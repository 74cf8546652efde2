//! Reading requests: every malformed one becomes a problem that points at the fault.

use axum::body::Bytes;
use axum::{
    extract::{FromRequest, FromRequestParts, Query, Request, rejection::BytesRejection},
    http::{HeaderMap, header, request::Parts},
};
use ciro_api::{ErrorCode, Problem, limits};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny},
};
use serde_path_to_error::{Path, Segment};
use utoipa::IntoParams;

use crate::{cbor, media::Format, problem::ApiError};

/// A document as it came, for who reads it piece by piece.
pub(crate) struct RawBody {
    pub(crate) format: Format,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let essence = essence(request.headers());
        let format = Format::of_media_type(essence)
            .ok_or_else(|| wrong_media_type("application/json or application/cbor", essence))?;
        let bytes = Bytes::from_request(request, state).await.map_err(|e| unreadable(&e))?;
        Ok(Self { format, bytes })
    }
}

/// A document, with its exact bytes for fingerprints.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let RawBody { format, bytes } = RawBody::from_request(request, state).await?;
        Ok(Self { value: parse(format, &bytes)?, bytes })
    }
}

/// A JSON document as it came, where no other format is read.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (wanted, essence) = (Format::Json.media_type(), essence(request.headers()));
        if !essence.eq_ignore_ascii_case(wanted) {
            return Err(wrong_media_type(wanted, essence));
        }
        Bytes::from_request(request, state).await.map(Self).map_err(|e| unreadable(&e))
    }
}

/// A form body, as RFC 6749 wants it.
pub(crate) struct FormBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for FormBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        const FORM: &str = "application/x-www-form-urlencoded";
        let essence = essence(request.headers());
        if !essence.eq_ignore_ascii_case(FORM) {
            return Err(wrong_media_type(FORM, essence));
        }
        let form = axum::Form::<T>::from_request(request, state).await;
        form.map(|axum::Form(value)| Self(value)).map_err(|e| {
            ApiError::new(
                ErrorCode::InvalidRequest,
                format!("the form cannot be read: {}", e.body_text()),
            )
        })
    }
}

/// Reads a document; what it refuses it points at, from the root of `bytes`.
pub(crate) fn parse<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<T, ApiError> {
    match format {
        Format::Json => parse_json(bytes),
        Format::Cbor => cbor::parse(bytes),
    }
}

/// The same for JSON, of which what is read may keep parts.
pub(crate) fn parse_json<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let cause = error.into_inner();
        // The parser blames the syntax when an object that must have one key has two.
        let is_json = serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        if cause.is_data() || is_json {
            let problem =
                Problem::new(ErrorCode::InvalidRequest, "the body has a field that cannot be used");
            problem.at(pointer, cause.to_string()).into()
        } else {
            not_json(&cause)
        }
    })?;
    reader.end().map_err(|e| not_json(&e))?;
    Ok(value)
}

/// Where a reader stood, as a JSON pointer (RFC 6901); nothing for the whole document.
pub(crate) fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

fn not_json(cause: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::InvalidJson, format!("the body is not JSON: {cause}"))
}

fn unreadable(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(ErrorCode::BodyTooLarge, "the body is over the limit of this path");
    }
    ApiError::new(ErrorCode::InvalidRequest, "the body broke off before its end")
}

fn essence(headers: &HeaderMap) -> &str {
    let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim()
}

fn wrong_media_type(wanted: &str, given: &str) -> ApiError {
    let given: String = given.chars().take(80).collect();
    let detail = format!("the body must be {wanted}, not `{given}`");
    ApiError::new(ErrorCode::UnsupportedMediaType, detail)
}

/// A path parameter.
pub(crate) struct PathParam<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParam<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            // An id that cannot exist names nothing.
            Err(rejection) => Err(ApiError::new(ErrorCode::NotFound, rejection.body_text())),
        }
    }
}

/// Query parameters.
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::new(ErrorCode::InvalidRequest, rejection.body_text())),
        }
    }
}

/// How long a reply may wait for something to happen.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LongPoll {
    /// Answer when there is something to tell, after this long at the latest. At most 30,000.
    #[serde(default, deserialize_with = "wait_ms")]
    #[param(maximum = 30_000)]
    pub(crate) wait_ms: u64,
}

fn wait_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let wait_ms = u64::deserialize(deserializer)?;
    if wait_ms <= limits::WAIT_MS_MAX {
        return Ok(wait_ms);
    }
    let most = limits::WAIT_MS_MAX;
    Err(de::Error::custom(format_args!("a wait is at most {most} ms, not {wait_ms}")))
}
