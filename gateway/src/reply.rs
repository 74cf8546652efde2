//! The one responder: a handler gives a document, and the caller's `Accept` decides how it travels.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ciro_api::ErrorCode;
use serde::Serialize;

use crate::{cbor, media::Format, problem::ApiError};

/// A document as a handler gives it.
pub(crate) struct Reply<T>(pub(crate) T);

/// A document on its way to [`negotiate`].
#[derive(Clone)]
struct Unwritten(Arc<dyn Fn(Format) -> Result<Vec<u8>, ApiError> + Send + Sync>);

/// Writes a document.
pub(crate) fn write<T: Serialize>(document: &T, format: Format) -> Result<Vec<u8>, ApiError> {
    match format {
        Format::Json => serde_json::to_vec(document)
            .map_err(|e| ApiError::internal("writing a document as JSON", &e)),
        Format::Cbor => {
            cbor::write(document).map_err(|e| ApiError::internal("writing a document as CBOR", &e))
        }
    }
}

impl<T: Serialize + Send + Sync + 'static> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        let document = self.0;
        response
            .extensions_mut()
            .insert(Unwritten(Arc::new(move |format| write(&document, format))));
        response
    }
}

/// Refuses a caller that reads neither format before anything is done, and writes what the handler gave.
pub(crate) async fn negotiate(mut request: Request, next: Next) -> Response {
    let Some(format) = Format::accepted(request.headers()) else {
        let detail =
            "this path answers in application/json or application/cbor; accept one of them";
        return ApiError::new(ErrorCode::NotAcceptable, detail).into_response();
    };
    request.extensions_mut().insert(format);
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    let Some(Unwritten(written)) = response.extensions_mut().remove::<Unwritten>() else {
        return response;
    };
    match written(format) {
        Err(error) => error.into_response(),
        Ok(bytes) => {
            let headers = response.headers_mut();
            // That of the empty body before.
            headers.remove(header::CONTENT_LENGTH);
            let media_type = HeaderValue::from_static(format.media_type());
            headers.insert(header::CONTENT_TYPE, media_type);
            response.map(|_| Body::from(bytes))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Format {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}
