//! How our processes are watched: logs on stderr, metrics for Prometheus, traces for an OpenTelemetry collector.
//!
//! Metrics and traces are off unless asked for, and then cost next to nothing. Nothing here decides anything.

mod export;
mod family;
mod incoming;
mod listener;
mod logs;
mod span;

use std::net::SocketAddr;

use url::Url;

pub use export::ExportError;
pub use family::{Family, Kind, describe};
pub use incoming::{request_span, trace_here};
pub use listener::{ListenError, listen};
pub use logs::{Exporting, StartError, Style, start};
pub use span::{continue_from, current, link};

/// Settings that all our processes share.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Where `GET /metrics` answers in Prometheus' text format; port 0 picks a free one. Not for the public. Off unless
    /// set.
    #[arg(long, env = "CIRO_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Once metrics can be had, their URL is written here.
    #[arg(long, env = "CIRO_METRICS_READY_FILE")]
    pub metrics_ready_file: Option<std::path::PathBuf>,
    /// An OpenTelemetry collector that takes OTLP over HTTP, for example `http://127.0.0.1:4318`. Off unless set.
    #[arg(long = "otlp-endpoint", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<Url>,
    /// What is sent to the collector: `http/protobuf` or `http/json`.
    #[arg(
        long = "otlp-protocol",
        env = "OTEL_EXPORTER_OTLP_PROTOCOL",
        default_value = "http/protobuf"
    )]
    pub otlp_protocol: Encoding,
}

/// How spans are written for the collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Encoding {
    /// Protobuf.
    #[default]
    #[value(name = "http/protobuf")]
    Protobuf,
    /// JSON.
    #[value(name = "http/json")]
    Json,
}
