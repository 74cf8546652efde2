//! Tells how full every pool is. From the index alone: without Redis there is nothing to tell.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use ciro_api::{
    ErrorCode, PoolName, Problem, limits,
    rest::pools::{Pool, PoolList},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::notes;
use crate::{
    app::App,
    auth::Watcher,
    extract::QueryParams,
    models,
    problem::ApiError,
    queue::{self, QueueError},
    reply::Reply,
};

/// A job that has waited for so long says that there are too few workers.
const TOO_LONG_MS: u64 = 4_000;

/// How workers are counted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Scale {
    /// How many jobs one worker should have, waiting or running, 1 to 64; 4 unless told.
    #[serde(default = "per_worker_default")]
    #[param(minimum = 1, maximum = 64)]
    per_worker: u32,
}

fn per_worker_default() -> u32 {
    limits::JOBS_PER_WORKER_DEFAULT
}

/// How full every pool is and how many workers it should have. For workers, and for API keys with the scope `read`.
#[utoipa::path(get, operation_id = "list_pools", path = "/v1/pools", tag = "workers", params(Scale),
    security(("bearer" = []), ("sponsor_key" = [])), responses(
    (status = 200, body = PoolList, description = "Every pool"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token or API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`, or the token is a device's"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "The sponsor's quota is used up"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Redis or the database is away"),
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Watcher,
    QueryParams(scale): QueryParams<Scale>,
) -> Result<Reply<PoolList>, ApiError> {
    if !(1..=limits::LEASE_JOBS_MAX).contains(&scale.per_worker) {
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        let detail = format!("must be 1 to {}", limits::LEASE_JOBS_MAX);
        return Err(problem.at("query/per_worker", detail).into());
    }
    let mut models_of: BTreeMap<PoolName, Vec<String>> = BTreeMap::new();
    for model in models::load(&app).await? {
        models_of.entry(model.pool.clone()).or_default().push(model.manifest.name.clone());
    }
    let mut data = Vec::with_capacity(models_of.len());
    for (pool, models) in models_of {
        data.push(look(&app, pool, models, scale.per_worker.into()).await?);
    }
    Ok(Reply(PoolList { data }))
}

async fn look(
    app: &App,
    pool: PoolName,
    models: Vec<String>,
    per_worker: u64,
) -> Result<Pool, QueueError> {
    let keys: Vec<String> = queue::pool_keys(&pool).into_iter().chain(notes::keys(&pool)).collect();
    let mut call = redis::cmd("FCALL");
    call.arg("ciro_pool_look_v1").arg(keys.len()).arg(&keys).arg(limits::POOL_LOOK_MAX);
    let (queued, delayed, leased, age, arrivals, workers): (u64, u64, u64, i64, u64, u64) =
        app.queue.query(&call).await?;
    let oldest_age_ms = u64::try_from(age).ok().filter(|_| queued > 0);
    Ok(Pool {
        pool,
        models,
        queued,
        delayed,
        leased,
        oldest_age_ms,
        arrivals_per_minute: arrivals,
        workers,
        suggested_workers: suggest(
            queued.saturating_add(leased),
            per_worker,
            oldest_age_ms,
            workers,
        ),
    })
}

/// The larger of two rules: enough for the jobs there are, and more than there are while jobs wait for too long.
fn suggest(jobs: u64, per_worker: u64, oldest_age_ms: Option<u64>, workers: u64) -> u64 {
    let by_count = jobs.div_ceil(per_worker);
    let waits = oldest_age_ms.is_some_and(|age| age >= TOO_LONG_MS);
    by_count.max(if waits { workers.saturating_add(1) } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_follow_the_jobs_and_then_the_wait() {
        assert_eq!(suggest(0, 4, None, 3), 0);
        assert_eq!(suggest(1, 4, Some(10), 0), 1);
        assert_eq!(suggest(9, 4, Some(3_999), 7), 3);
        assert_eq!(suggest(9, 4, Some(4_000), 7), 8);
        assert_eq!(suggest(100, 4, Some(4_000), 7), 25);
        assert_eq!(suggest(u64::MAX, 1, Some(u64::MAX), u64::MAX), u64::MAX);
    }
}
