//! A requester's trace goes on through gateway and worker, and reaches a collector.

use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use ciro_api::{JobStatus, SpanRef, Trace, rest::jobs::Job};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::net::{Net, hash_job, succeed};

const PATIENCE: Duration = Duration::from_mins(1);

/// A span, and the process that it is of.
#[derive(Clone, Debug)]
struct Span {
    service: String,
    json: Value,
}

impl Span {
    fn is(&self, service: &str, name: &str) -> bool {
        self.service == service && self.json["name"] == name
    }

    fn links_to(&self, span: &SpanRef) -> bool {
        let links = self.json["links"].as_array().into_iter().flatten();
        links.into_iter().any(|link| {
            link["traceId"] == format!("{:032x}", span.trace_id)
                && link["spanId"] == format!("{:016x}", span.span_id)
        })
    }
}

/// Takes spans as a collector of OpenTelemetry does: OTLP over HTTP, in JSON.
struct Collector {
    url: String,
    spans: watch::Sender<Vec<Span>>,
    serving: JoinHandle<()>,
}

impl Collector {
    async fn start() -> Self {
        let spans: watch::Sender<Vec<Span>> = watch::Sender::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(collect)).with_state(spans.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, spans, serving }
    }

    /// The first span like that, once it came.
    async fn until(&self, what: &str, like: impl Fn(&Span) -> bool) -> Span {
        let mut spans = self.spans.subscribe();
        let found = timeout(PATIENCE, spans.wait_for(|all| all.iter().any(&like))).await;
        match found {
            Ok(all) => all.unwrap().iter().find(|span| like(span)).unwrap().clone(),
            Err(late) => panic!("no span {what}: {late}: {:#?}", self.spans.borrow()),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn collect(
    State(spans): State<watch::Sender<Vec<Span>>>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let mut came = Vec::new();
    for resource in body["resourceSpans"].as_array().unwrap() {
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        let name = attributes.iter().find(|pair| pair["key"] == "service.name").unwrap();
        let service = name["value"]["stringValue"].as_str().unwrap().to_owned();
        let scopes = resource["scopeSpans"].as_array().unwrap().iter();
        for json in scopes.flat_map(|scope| scope["spans"].as_array().unwrap()) {
            came.push(Span { service: service.clone(), json: json.clone() });
        }
    }
    spans.send_modify(|all| all.extend(came));
    Json(serde_json::json!({}))
}

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
