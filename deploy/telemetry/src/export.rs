//! Sends spans to a collector: in batches, from a thread of their own, and never in a job's way.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use url::Url;

use crate::Encoding;

/// A collector that takes longer loses this batch.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The client.
    #[error("the client cannot be built")]
    Client(#[from] reqwest_tls::Error),
    /// The exporter.
    #[error("the exporter cannot be built")]
    Exporter(#[from] ExporterBuildError),
}

/// The exporter's thread is none of the runtime's; its calls are made there all the same.
#[derive(Debug)]
struct OnRuntime {
    client: reqwest_tls::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = async move { HttpClient::send_bytes(&client, request).await };
        self.runtime.spawn(sending).await?
    }
}

/// What makes spans of `service` and sends them. Must be called inside of a runtime, which then makes the calls.
pub(crate) fn provider(
    service: &'static str,
    endpoint: &Url,
    encoding: Encoding,
) -> Result<SdkTracerProvider, ExportError> {
    let protocol = match encoding {
        Encoding::Protobuf => Protocol::HttpBinary,
        Encoding::Json => Protocol::HttpJson,
    };
    let client = reqwest_tls::Client::builder().timeout(TIMEOUT).build()?;
    let client = OnRuntime { client, runtime: Handle::current() };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(protocol)
        // The signal's own path, as the specification of OTLP has it for a base URL.
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .build()?;
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.namespace", "ciro"))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
