//! Around every call: its deadline, and that whatever goes wrong below answers as our own refusals do.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName},
    middleware::Next,
    response::Response,
};
use ciro_api::{ErrorCode, Problem};
use futures::FutureExt;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};

use super::{call::Deadline, status};
use crate::stack::{REQUEST_ID, REQUEST_TIMEOUT};

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Most digits of a timeout, as the protocol has it.
const TIMEOUT_DIGITS_MAX: usize = 8;

/// Gives a call its deadline and completes what it answers. A stream's own end is up to the stream.
pub(super) async fn guard(mut request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let id = id.as_ref().and_then(|id| id.to_str().ok());
    let refuse = |problem: Problem| status::of(problem, id, None).into_http::<Body>();
    let patience = match wished(request.headers()) {
        Ok(None) => REQUEST_TIMEOUT,
        Ok(Some(wished)) => {
            if let Some(deadline) = Instant::now().checked_add(wished) {
                request.extensions_mut().insert(Deadline(deadline));
            }
            wished.min(REQUEST_TIMEOUT)
        }
        Err(problem) => return refuse(*problem),
    };
    // A panic ends one call, not the process.
    match timeout(patience, AssertUnwindSafe(next.run(request)).catch_unwind()).await {
        Ok(Ok(response)) => complete(response, id),
        Ok(Err(_panic)) => {
            tracing::error!(id, "a call panicked");
            refuse(Problem::new(ErrorCode::Internal, "the call failed on our side"))
        }
        Err(_) => refuse(Problem::new(ErrorCode::RequestTimeout, "there was no answer in time")),
    }
}

/// How long the caller waits; a deadline that we cannot read is an error, or a client would wonder.
fn wished(headers: &HeaderMap) -> Result<Option<Duration>, Box<Problem>> {
    let Some(value) = headers.get(TIMEOUT) else {
        return Ok(None);
    };
    let read = value.to_str().ok().and_then(read_timeout);
    read.map(Some).ok_or_else(|| {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the deadline cannot be read");
        Box::new(problem.at("header/grpc-timeout", "1 to 8 digits and one of H, M, S, m, u, n"))
    })
}

fn read_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if !plain || !(1..=TIMEOUT_DIGITS_MAX).contains(&digits.len()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Gives a refusal that a library made the details that ours have.
fn complete(response: Response, id: Option<&str>) -> Response {
    let headers = response.headers();
    if headers.contains_key(DETAILS) {
        return response;
    }
    match Status::from_header_map(headers) {
        Some(refusal) if refusal.code() != Code::Ok => {
            let (code, problem) = status::foreign(&refusal);
            status::with(code, problem, id, None).into_http()
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware, routing::any};
    use tonic_types::StatusExt;
    use tower::ServiceExt;

    use super::*;

    async fn call(timeout: Option<&str>) -> Status {
        async fn never() -> Response {
            std::future::pending().await
        }
        async fn panic() -> Response {
            panic!("as planned")
        }
        let router = Router::new()
            .route("/never", any(never))
            .route("/panic", any(panic))
            .layer(middleware::from_fn(guard));
        let request = match timeout {
            Some(value) => axum::http::Request::get("/never").header(TIMEOUT, value),
            None => axum::http::Request::get("/panic"),
        };
        let request = request.header(REQUEST_ID, "req_1").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        Status::from_header_map(response.headers()).unwrap()
    }

    fn reason(status: &Status) -> String {
        let details = status.get_error_details();
        assert_eq!(details.request_info().unwrap().request_id, "req_1");
        details.error_info().unwrap().reason.clone()
    }

    #[tokio::test]
    async fn a_panic_ends_one_call_and_says_so() {
        let status = call(None).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "internal"));
    }

    #[tokio::test]
    async fn a_call_ends_at_its_deadline_and_an_unreadable_one_is_refused() {
        let status = call(Some("5m")).await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(reason(&status), "request_timeout");
        for bad in ["", "5", "m", "5x", "123456789m", "-1S", "5 m", "\u{e9}"] {
            let status = call(Some(bad)).await;
            assert_eq!(status.code(), Code::InvalidArgument, "{bad}");
            let details = status.get_error_details();
            assert_eq!(details.bad_request().unwrap().field_violations[0].field, "grpc-timeout");
        }
    }

    #[test]
    fn every_unit_of_the_protocol_is_read() {
        for (text, read) in [
            ("2H", Duration::from_hours(2)),
            ("3M", Duration::from_mins(3)),
            ("00000004S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6u", Duration::from_micros(6)),
            ("7n", Duration::from_nanos(7)),
        ] {
            assert_eq!(read_timeout(text), Some(read), "{text}");
        }
        assert!(read_timeout("99999999H").is_some());
    }
}
