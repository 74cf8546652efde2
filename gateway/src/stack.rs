//! The tower stack and the routes: what a request passes, outermost first.

use std::{sync::Arc, time::Duration};

use axum::{
    Router, extract::DefaultBodyLimit, http::HeaderName, middleware, response::Html, routing::get,
};
use ciro_api::limits;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};

use crate::{app::App, grpc, limiter, observe, openapi, problem};

/// Where a request's id travels.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Longest time to receive and answer one request: the longest wait, with room for the work around it.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_millis(limits::WAIT_MS_MAX + 15_000);

/// The service as axum serves it.
pub(crate) fn service(app: Arc<App>) -> Result<Router, tonic_reflection::server::Error> {
    let grpc = grpc::router(&app)?;
    let (routes, document) = openapi::router().split_for_parts();
    let document = Arc::new(document);
    let spec = get(move || {
        let document = Arc::clone(&document);
        async move { axum::Json((*document).clone()) }
    });
    let layers = tower::ServiceBuilder::new()
        // First, so that everything below logs and answers under one id; a caller's own id is replaced,
        // or it could forge another's lines in our logs.
        .layer(middleware::from_fn(forget_request_id))
        .layer(SetRequestIdLayer::new(REQUEST_ID, NewRequestId))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        // Above what renders refusals, so that each is counted with the status that its caller saw.
        .layer(middleware::from_fn(observe::requests))
        // Above what renders refusals: they carry the caller's standing too.
        .layer(middleware::from_fn(limiter::headers::write))
        // Below what both ways in share, above what only REST needs.
        .layer(middleware::from_fn_with_state(grpc, grpc::divert))
        // Above everything that refuses, so that all refusals look the same.
        .layer(middleware::from_fn(problem::render))
        // A panic ends one request, not the process.
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(time_out))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX));
    Ok(routes
        .route("/openapi.json", spec)
        .route("/errors/{code}", get(error_page))
        .layer(layers)
        .with_state(app))
}

async fn forget_request_id(
    mut request: axum::extract::Request,
    next: middleware::Next,
) -> axum::response::Response {
    request.headers_mut().remove(REQUEST_ID);
    next.run(request).await
}

async fn time_out(
    request: axum::extract::Request,
    next: middleware::Next,
) -> axum::response::Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            axum::response::IntoResponse::into_response(axum::http::StatusCode::REQUEST_TIMEOUT)
        }
    }
}

fn span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let headers = request.headers();
    let id = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or("");
    ciro_telemetry::request_span(request.method().as_str(), request.uri().path(), id, headers)
}

#[derive(Clone)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("req_{}", uuid::Uuid::now_v7().simple());
        id.parse().ok().map(RequestId::new)
    }
}

/// The page that a problem's `type` points to.
async fn error_page(
    crate::extract::PathParam(code): crate::extract::PathParam<String>,
) -> Result<Html<String>, problem::ApiError> {
    let page = crate::problem::pages::find(&code).ok_or_else(|| {
        problem::ApiError::new(ciro_api::ErrorCode::NotFound, "there is no error code of this name")
    })?;
    let escaped = page.replace('&', "&amp;").replace('<', "&lt;");
    Ok(Html(format!("<!doctype html><title>{code}</title><pre>{escaped}</pre>\n")))
}
