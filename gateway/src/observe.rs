//! What a gateway measures. Labels take few values: routes, words, and the names of registered models; never an id.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use ciro_api::{ErrorCode, JobStatus};
use ciro_telemetry::{Family, Kind};
use metrics::{counter, gauge, histogram};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{app::App, database, models::Model, problem::ApiError};

/// How often what is not counted as it happens is looked at.
const PERIOD: Duration = Duration::from_secs(10);

const fn family(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind, labels, help }
}

/// Everything that a gateway measures.
pub static FAMILIES: [Family; 20] = [
    family(
        Kind::Counter,
        "ciro_gateway_requests_total",
        &["method", "route", "status"],
        "Requests that were answered",
    ),
    family(
        Kind::Histogram,
        "ciro_gateway_request_seconds",
        &["method", "route"],
        "How long they took, long polls included",
    ),
    family(
        Kind::Counter,
        "ciro_gateway_jobs_accepted_total",
        &["model"],
        "Jobs that were accepted",
    ),
    family(
        Kind::Counter,
        "ciro_gateway_jobs_ended_total",
        &["model", "status"],
        "Jobs that ended, by how",
    ),
    family(
        Kind::Counter,
        "ciro_gateway_leases_granted_total",
        &["model"],
        "Leases that were granted",
    ),
    family(Kind::Counter, "ciro_gateway_leases_expired_total", &["model"], "Leases that ran out"),
    family(
        Kind::Counter,
        "ciro_gateway_leases_lost_total",
        &[],
        "Heartbeats for a lease that was not the worker's any more",
    ),
    family(
        Kind::Histogram,
        "ciro_gateway_lease_wait_seconds",
        &["model"],
        "From when a job could run to its first lease",
    ),
    family(
        Kind::Counter,
        "ciro_gateway_results_total",
        &["outcome"],
        "Results that workers handed in: stored, repeated or refused",
    ),
    family(
        Kind::Gauge,
        "ciro_gateway_queue_jobs",
        &["model", "state"],
        "Live jobs: queued, delayed or leased",
    ),
    family(
        Kind::Gauge,
        "ciro_gateway_queue_oldest_seconds",
        &["model"],
        "How long the oldest job that could run has been waiting",
    ),
    family(
        Kind::Counter,
        "ciro_gateway_webhook_tries_total",
        &["outcome"],
        "Tries to deliver a webhook: taken, put_back or given_up",
    ),
    family(
        Kind::Gauge,
        "ciro_gateway_webhooks_waiting",
        &[],
        "Webhooks that are not delivered yet",
    ),
    family(
        Kind::Gauge,
        "ciro_gateway_webhooks_failed",
        &[],
        "Webhooks that were given up in the last 30 days",
    ),
    family(
        Kind::Gauge,
        "ciro_gateway_database_connections",
        &["state"],
        "Connections of this gateway's pool: used or idle",
    ),
    family(
        Kind::Gauge,
        "ciro_gateway_database_connections_max",
        &[],
        "The most that the pool may have",
    ),
    family(Kind::Gauge, "ciro_gateway_database_waiting", &[], "Tasks that wait for a connection"),
    family(Kind::Counter, "ciro_gateway_redis_errors_total", &[], "Calls to Redis that failed"),
    family(
        Kind::Counter,
        "ciro_gateway_index_rebuilds_total",
        &[],
        "How often the queue's index was filled from the database",
    ),
    family(Kind::Counter, "ciro_gateway_problems_total", &["code"], "Refusals by their code"),
];

/// Counts each request under its route's template. What fits no route is one of `none`.
pub(crate) async fn requests(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let route = route.unwrap_or("none").to_owned();
    let method = known(request.method());
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let seconds = began.elapsed().as_secs_f64();
    counter!("ciro_gateway_requests_total", "method" => method, "route" => route.clone(), "status" => status).increment(1);
    histogram!("ciro_gateway_request_seconds", "method" => method, "route" => route)
        .record(seconds);
    response
}

/// A stranger may write any word as its method.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

pub(crate) fn refused(code: ErrorCode) {
    counter!("ciro_gateway_problems_total", "code" => code.as_str()).increment(1);
}

pub(crate) fn accepted(model: &Model) {
    let name = model.manifest.name.clone();
    counter!("ciro_gateway_jobs_accepted_total", "model" => name).increment(1);
}

/// Counted when it is written. A commit that then fails counts one too many.
pub(crate) fn ended(model: String, status: JobStatus) {
    counter!("ciro_gateway_jobs_ended_total", "model" => model, "status" => status.as_str())
        .increment(1);
}

/// `first_wait_ms`: how long a job waited for its first lease; nothing for a later one.
pub(crate) fn granted(model: String, first_wait_ms: Option<i64>) {
    counter!("ciro_gateway_leases_granted_total", "model" => model.clone()).increment(1);
    if let Some(wait_ms) = first_wait_ms {
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
        histogram!("ciro_gateway_lease_wait_seconds", "model" => model).record(wait.as_secs_f64());
    }
}

pub(crate) fn expired(model: String) {
    counter!("ciro_gateway_leases_expired_total", "model" => model).increment(1);
}

pub(crate) fn lost(leases: usize) {
    counter!("ciro_gateway_leases_lost_total").increment(count(leases));
}

pub(crate) fn results(outcome: &'static str) {
    counter!("ciro_gateway_results_total", "outcome" => outcome).increment(1);
}

pub(crate) fn webhook(outcome: &'static str) {
    counter!("ciro_gateway_webhook_tries_total", "outcome" => outcome).increment(1);
}

pub(crate) fn redis_failed() {
    counter!("ciro_gateway_redis_errors_total").increment(1);
}

pub(crate) fn rebuilt() {
    counter!("ciro_gateway_index_rebuilds_total").increment(1);
}

fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}

/// Looks at queue, outbox and pool until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        pool(&app);
        if let Err(error) = sample(&app).await {
            tracing::warn!(code = %error.code(), "the queue could not be measured");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

fn pool(app: &App) {
    let status = app.pg.status();
    let number = |things: usize| u32::try_from(things).map_or(f64::INFINITY, f64::from);
    let used = status.size.saturating_sub(status.available);
    for (state, connections) in [("used", used), ("idle", status.available)] {
        gauge!("ciro_gateway_database_connections", "state" => state).set(number(connections));
    }
    gauge!("ciro_gateway_database_connections_max").set(number(status.max_size));
    gauge!("ciro_gateway_database_waiting").set(number(status.waiting));
}

async fn sample(app: &App) -> Result<(), ApiError> {
    let client = app.pg.get().await?;
    let queue = database::query(&client, include_str!("observe/queue.sql"), &[]).await?;
    for row in &queue {
        let name: String = row.try_get("name")?;
        for state in ["queued", "delayed", "leased"] {
            let jobs: f64 = row.try_get(state)?;
            gauge!("ciro_gateway_queue_jobs", "model" => name.clone(), "state" => state).set(jobs);
        }
        let oldest_s: f64 = row.try_get("oldest_s")?;
        gauge!("ciro_gateway_queue_oldest_seconds", "model" => name.clone()).set(oldest_s);
        greet(&name);
    }
    let outbox = database::query_one(&client, include_str!("observe/outbox.sql"), &[]).await?;
    gauge!("ciro_gateway_webhooks_waiting").set(outbox.try_get::<_, f64>("waiting")?);
    gauge!("ciro_gateway_webhooks_failed").set(outbox.try_get::<_, f64>("failed")?);
    Ok(())
}

/// What may happen to a model's jobs is there from the start, at zero: a rate needs a first value.
fn greet(model: &str) {
    let model = model.to_owned();
    counter!("ciro_gateway_jobs_accepted_total", "model" => model.clone()).increment(0);
    counter!("ciro_gateway_leases_granted_total", "model" => model.clone()).increment(0);
    counter!("ciro_gateway_leases_expired_total", "model" => model.clone()).increment(0);
    for status in JobStatus::ALL.iter().filter(|status| status.is_final()) {
        counter!("ciro_gateway_jobs_ended_total", "model" => model.clone(), "status" => status.as_str())
            .increment(0);
    }
    drop(histogram!("ciro_gateway_lease_wait_seconds", "model" => model));
}
