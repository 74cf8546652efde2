//! The trace that a request is part of, as W3C Trace Context has it in headers.

use axum::http::HeaderMap;
use ciro_api::Trace;
use tracing::{Span, field::Empty};

use crate::span::{continue_from, current};

/// The span of a request, which goes on with its caller's trace. `id` names it in our logs.
pub fn request_span(method: &str, path: &str, id: &str, headers: &HeaderMap) -> Span {
    let span =
        tracing::info_span!("request", %method, path, id, trace_id = Empty, otel.kind = "server");
    let asked = trace_asked(headers);
    if let Some(asked) = &asked {
        continue_from(&span, asked);
    }
    let here = span.in_scope(current);
    if let Some(here) = here.or_else(|| asked.map(|trace| trace.traceparent)) {
        span.record("trace_id", format!("{:032x}", here.trace_id));
    }
    span
}

/// What the trace of something that a request asks for is to be: this request's span, where spans are exported, else what its
/// requester sent.
pub fn trace_here(headers: &HeaderMap) -> Option<Trace> {
    let asked = trace_asked(headers);
    match current() {
        Some(traceparent) => {
            Some(Trace { traceparent, tracestate: asked.and_then(|trace| trace.tracestate) })
        }
        None => asked,
    }
}

/// The trace that a request says it is part of. What cannot be read is no trace, and no fault either: it says nothing
/// about jobs.
fn trace_asked(headers: &HeaderMap) -> Option<Trace> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = parents.next()?.to_str().ok()?;
    if parents.next().is_some() {
        return None;
    }
    // Several lines are one list (RFC 9110).
    let states: Vec<&str> =
        headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    Trace::read(parent, Some(&states.join(",")))
}
