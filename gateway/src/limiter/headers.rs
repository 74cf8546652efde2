//! Tells callers what is left of their quota: `RateLimit-Policy`, `RateLimit` (draft-ietf-httpapi-ratelimit-headers) and,
//! when they are refused, `Retry-After`.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use ciro_api::limits;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Where a caller stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) policy: &'static str,
    pub(super) quota: u32,
    pub(super) left: u32,
    pub(super) whole_us: u64,
    /// Until one more is allowed; only for one that was refused.
    pub(super) retry_us: Option<u64>,
}

/// Carries the standing from where the caller is known to where the reply is made.
#[derive(Clone, Default)]
pub(crate) struct Reported(Arc<OnceLock<Standing>>);

impl Reported {
    /// The one that travels with this request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// How long a refused caller should stay away.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.get().and_then(|standing| standing.retry_us).map(Duration::from_micros)
    }

    pub(super) fn set(&self, standing: Standing) {
        // A request has one caller; were there two, the first one's standing is as good as any.
        self.0.get_or_init(|| standing);
    }
}

/// Writes the headers, on refusals as on replies: outside of what renders problems.
pub(crate) async fn write(mut request: Request, next: Next) -> Response {
    let reported = Reported::default();
    request.extensions_mut().insert(reported.clone());
    let mut response = next.run(request).await;
    if let Some(standing) = reported.0.get() {
        insert(response.headers_mut(), standing);
    }
    response
}

fn insert(headers: &mut HeaderMap, standing: &Standing) {
    let Standing { policy, quota, left, whole_us, retry_us } = standing;
    let window = limits::QUOTA_WINDOW_S;
    let whole_s = whole_us.div_ceil(1_000_000);
    let texts = [
        (POLICY, Some(format!("\"{policy}\";q={quota};w={window}"))),
        (LEFT, Some(format!("\"{policy}\";r={left};t={whole_s}"))),
        (header::RETRY_AFTER, retry_us.map(|us| us.div_ceil(1_000_000).to_string())),
    ];
    for (name, text) in texts {
        // Made of digits and our own words, so each is a header value.
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
}
