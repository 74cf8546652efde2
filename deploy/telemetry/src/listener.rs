//! Answers Prometheus, on an address of its own: what we measure is not for the public.

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::{Router, http::header, routing::get};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Family, Flags, describe};

/// Upper bounds of histograms in seconds: from a query's time to a job's longest.
const BUCKETS_S: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0,
];

/// How often measurements are moved into their buckets, so that they do not pile up while nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process could not be made to answer Prometheus.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address.
    #[error("cannot listen on {0} for metrics")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The ready file.
    #[error("cannot write the ready file of the metrics")]
    ReadyFile(#[source] std::io::Error),
    /// The exporter.
    #[error("the exporter of metrics cannot be built")]
    Build(#[from] BuildError),
    /// Somebody measures already in this process.
    #[error("this process has an exporter of metrics already")]
    Twice,
}

/// Begins to measure, and answers until `stop`. Does nothing, and says so with `false`, unless the flags ask for it.
pub async fn listen(
    flags: &Flags,
    families: &[Family],
    stop: CancellationToken,
) -> Result<bool, ListenError> {
    let Some(address) = flags.metrics_listen else {
        return Ok(false);
    };
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS_S)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| ListenError::Twice)?;
    describe(families);
    let failed = |error| ListenError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    if let Some(path) = &flags.metrics_ready_file {
        write_whole(path, &format!("http://{bound}/metrics")).map_err(ListenError::ReadyFile)?;
    }
    tracing::info!(address = %bound, "metrics");
    tokio::spawn(serve(listener, handle.clone(), stop.clone()));
    tokio::spawn(stop.run_until_cancelled_owned(keep_up(handle)));
    Ok(true)
}

async fn serve(listener: TcpListener, handle: PrometheusHandle, stop: CancellationToken) {
    let page = get(move || {
        let text = handle.render();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    });
    let router = Router::new().route("/metrics", page);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "metrics cannot be had any more");
    }
}

async fn keep_up(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        handle.run_upkeep();
    }
}

/// A reader never sees half a file.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(partial, path)
}
