//! A collector of traces for one test.

use std::time::Duration;

use axum::{Json, Router, extract::State, routing::post};
use ciro_api::SpanRef;
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

const PATIENCE: Duration = Duration::from_mins(1);

/// A span, and the process that it is of.
#[derive(Clone, Debug)]
pub struct ExportedSpan {
    /// What the process calls itself.
    pub service: String,
    /// As it came.
    pub json: Value,
}

impl ExportedSpan {
    /// Whether it is one of this name, of this process.
    pub fn is(&self, service: &str, name: &str) -> bool {
        self.service == service && self.json["name"] == name
    }

    /// Whether it says that it is about that one.
    pub fn links_to(&self, span: &SpanRef) -> bool {
        let links = self.json["links"].as_array().into_iter().flatten();
        links.into_iter().any(|link| {
            link["traceId"] == format!("{:032x}", span.trace_id)
                && link["spanId"] == format!("{:016x}", span.span_id)
        })
    }
}

/// Takes spans as a collector of OpenTelemetry does: OTLP over HTTP, in JSON.
pub struct Collector {
    /// Where it answers.
    pub url: String,
    spans: watch::Sender<Vec<ExportedSpan>>,
    serving: JoinHandle<()>,
}

impl Collector {
    /// One that has got nothing yet.
    pub async fn start() -> Self {
        let spans: watch::Sender<Vec<ExportedSpan>> = watch::Sender::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(collect)).with_state(spans.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, spans, serving }
    }

    /// The first span like that, once it came.
    pub async fn until(&self, what: &str, like: impl Fn(&ExportedSpan) -> bool) -> ExportedSpan {
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
    State(spans): State<watch::Sender<Vec<ExportedSpan>>>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let mut came = Vec::new();
    for resource in body["resourceSpans"].as_array().unwrap() {
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        let name = attributes.iter().find(|pair| pair["key"] == "service.name").unwrap();
        let service = name["value"]["stringValue"].as_str().unwrap().to_owned();
        let scopes = resource["scopeSpans"].as_array().unwrap().iter();
        for json in scopes.flat_map(|scope| scope["spans"].as_array().unwrap()) {
            came.push(ExportedSpan { service: service.clone(), json: json.clone() });
        }
    }
    spans.send_modify(|all| all.extend(came));
    Json(serde_json::json!({}))
}
