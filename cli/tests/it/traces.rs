//! A requester's trace goes on through gateway and worker, and reaches a collector.

use ciro_api::{JobStatus, SpanRef, Trace, rest::jobs::Job};
use ciro_testbed::{Collector, ExportedSpan as Span};

use crate::net::{Net, hash_job, succeed};

async fn trace_of(net: &Net, job: &Job) -> Trace {
    let found =
        net.sql(&format!("SELECT trace::text FROM job WHERE job_id = '{}'", job.id.0)).await;
    serde_json::from_str(&found).unwrap()
}

#[tokio::test]
async fn a_devices_trace_goes_on_in_the_gateway_and_the_worker_links_to_it() {
    let mut net = Net::start().await;
    let collector = Collector::start().await;
    net.dev.services.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    net.dev.services.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    net.dev.services.start_gateway(&[]).await.unwrap();
    net.dev.services.start_worker().await.unwrap();
    let device: SpanRef =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let traced = net.post_job(&hash_job(b"traced")).header("prefer", "wait=30");
    let traced = traced.header("traceparent", device.to_string()).header("tracestate", "vendor=7");
    let job: Job = succeed(traced).await;
    assert_eq!(job.status, JobStatus::Succeeded);

    let accepted = trace_of(&net, &job).await;
    assert_eq!(accepted.tracestate.as_deref(), Some("vendor=7"));
    let here = accepted.traceparent;
    assert_eq!(here.trace_id, device.trace_id);
    let id = format!("{:016x}", here.span_id);
    let request = collector.until("of the request", |span| span.json["spanId"] == id).await;
    assert!(request.is("ciro-gateway", "request"), "{request:?}");
    assert_eq!(request.json["traceId"], format!("{:032x}", device.trace_id));
    assert_eq!(request.json["parentSpanId"], format!("{:016x}", device.span_id));
    let run = collector
        .until("of the run", |span| span.is("ciro-worker", "run") && span.links_to(&here))
        .await;
    assert_ne!(
        run.json["traceId"], request.json["traceId"],
        "a run is no part of a closed request"
    );
    let submit = |span: &Span| span.is("ciro-worker", "submit") && span.links_to(&here);
    let submit = collector.until("of the submission", submit).await;
    // The gateway's side of the worker's call is in the worker's trace.
    let stored = |span: &Span| {
        span.is("ciro-gateway", "request") && span.json["parentSpanId"] == submit.json["spanId"]
    };
    collector.until("that stored the result", stored).await;

    // What cannot be read is no fault, and the gateway begins a trace of its own.
    let odd = net.post_job(&hash_job(b"odd")).header("traceparent", "00-0-0-zz");
    let odd: Job = succeed(odd).await;
    let fresh = trace_of(&net, &odd).await.traceparent;
    assert_ne!(fresh.trace_id, device.trace_id);
    net.stop().await;
}
