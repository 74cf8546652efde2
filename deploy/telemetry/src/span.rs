//! Between our own words for a trace and those of the tracing library.

use ciro_api::{SpanRef, Trace};
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

fn remote(trace: &Trace) -> SpanContext {
    let SpanRef { trace_id, span_id, sampled } = trace.traceparent;
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    // A state that the library cannot read is worth less than the trace that it came with.
    let state = trace.tracestate.as_deref().and_then(|text| text.parse::<TraceState>().ok());
    SpanContext::new(
        TraceId::from(trace_id),
        SpanId::from(span_id),
        flags,
        true,
        state.unwrap_or_default(),
    )
}

/// Makes a span that has not begun yet a part of the caller's trace.
pub fn continue_from(span: &Span, trace: &Trace) {
    // Only a span that nobody records cannot have a parent, and then it needs none.
    let _unrecorded = span.set_parent(Context::new().with_remote_span_context(remote(trace)));
}

/// Says that a span is about what was asked for there: asked for in another trace, and closed long ago.
pub fn link(span: &Span, trace: &Trace) {
    span.add_link(remote(trace));
}

/// The span that we are in, for whoever is called; nothing unless traces are exported.
pub fn current() -> Option<SpanRef> {
    let context = Span::current().context();
    let found = context.span().span_context().clone();
    found.is_valid().then(|| SpanRef {
        trace_id: u128::from_be_bytes(found.trace_id().to_bytes()),
        span_id: u64::from_be_bytes(found.span_id().to_bytes()),
        sampled: found.is_sampled(),
    })
}
