//! Tells gRPC's health service what `/v1/health` would answer, once a second, however many ask.

use std::{sync::Arc, time::Duration};

use ciro_api::grpc::v1::{job_service_server, worker_service_server};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;

use crate::{app::App, health::ready};

/// The whole server, and each of our services.
const NAMES: [&str; 3] =
    ["", job_service_server::SERVICE_NAME, worker_service_server::SERVICE_NAME];

const EVERY: Duration = Duration::from_secs(1);

/// A database that takes longer than this for nothing cannot serve.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks until `stop`; then nothing is served any more, and whoever watches is told so and let go.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    tell(&app, ServingStatus::NotServing).await;
    tokio::select! {
        () = stop.cancelled() => {}
        () = look(&app) => {}
    }
    tell(&app, ServingStatus::NotServing).await;
    let mut reporter = app.health.clone();
    for name in NAMES {
        reporter.clear_service_status(name).await;
    }
}

/// Tells changes alone: whoever watches hears whatever is told.
async fn look(app: &App) {
    let mut told = ServingStatus::NotServing;
    loop {
        let ready = matches!(timeout(PATIENCE, ready(app)).await, Ok(Ok(())));
        let now = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        if now != told {
            tell(app, now).await;
            told = now;
        }
        sleep(EVERY).await;
    }
}

async fn tell(app: &App, status: ServingStatus) {
    for name in NAMES {
        app.health.set_service_status(name, status).await;
    }
}
