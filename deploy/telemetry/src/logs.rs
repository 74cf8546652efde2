//! Sets up what a process says of itself: logs always, spans to a collector if there is one.

use std::{io::IsTerminal, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    Flags,
    export::{self, ExportError},
};

/// How long the last spans may take to reach the collector.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A JSON document each line, for machines.
    Json,
    /// For people where a person watches, else JSON.
    ForTerminals,
}

/// The process cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The exporter of traces.
    #[error("traces cannot be exported")]
    Export(#[from] ExportError),
    /// Somebody logs already in this process.
    #[error("this process logs already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// What must be told when the process ends, so that its last spans arrive.
#[derive(Debug)]
#[must_use = "the last spans arrive only if this is ended"]
pub struct Exporting(Option<SdkTracerProvider>);

impl Exporting {
    /// Sends what is left.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        let ending = move || provider.shutdown_with_timeout(LAST_WORDS);
        match tokio::task::spawn_blocking(ending).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans did not reach the collector"),
            Err(error) => tracing::warn!(%error, "the last spans were lost"),
        }
    }
}

/// Begins to log, and to export spans of `service` if the flags name a collector. Inside of a runtime only.
pub fn start(service: &'static str, flags: &Flags, style: Style) -> Result<Exporting, StartError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let err = std::io::stderr;
    let people = style == Style::ForTerminals && err().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(err);
    let lines = if people { lines.boxed() } else { lines.json().boxed() };
    let provider = match &flags.otlp_endpoint {
        Some(endpoint) => Some(export::provider(service, endpoint, flags.otlp_protocol)?),
        None => None,
    };
    let spans = provider.as_ref().map(|provider| {
        // Only our own spans: those of libraries say what nobody asked.
        let ours = EnvFilter::new(
            "off,ciro_gateway=info,ciro_paymaster=info,ciro_worker=info,ciro_telemetry=info",
        );
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(service))
            // Where in the code a span stands helps nobody who reads traces.
            .with_location(false)
            .with_threads(false)
            .with_filter(ours)
    });
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init()?;
    Ok(Exporting(provider))
}
