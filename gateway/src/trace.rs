//! The requester's trace, as W3C Trace Context has it in headers.

use axum::http::HeaderMap;
use ciro_api::Trace;

/// What a job's trace is to be: this request's span, where spans are exported, else what its requester sent.
pub(crate) fn of(headers: &HeaderMap) -> Option<Trace> {
    let asked = of_headers(headers);
    match ciro_telemetry::current() {
        Some(traceparent) => {
            Some(Trace { traceparent, tracestate: asked.and_then(|trace| trace.tracestate) })
        }
        None => asked,
    }
}

/// The trace that a request says it is part of. What cannot be read is no trace, and no fault either: it says nothing
/// about jobs.
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Trace> {
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
