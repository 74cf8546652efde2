//! Shows a worker the statements that wait for its signature.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use ciro_api::{Problem, limits, rest::statements::StatementList};
use ciro_paymaster::statements;
use tokio::time::Instant;

use super::STATEMENTS_MAX;
use crate::{
    app::App,
    auth::Worker,
    extract::{LongPoll, QueryParams},
    problem::ApiError,
    reply::Reply,
};

/// The paymaster closes statements in its own process; this is how often we look for one.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Statements that the operator has signed and that wait for the caller's countersignature, oldest first.
#[utoipa::path(get, path = "/v1/statements/pending", tag = "workers", security(("bearer" = [])), params(LongPoll), responses(
    (status = 200, body = StatementList, description = "Statements; an empty list when none came in time"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
))]
pub(crate) async fn pending(
    State(app): State<Arc<App>>,
    worker: Worker,
    QueryParams(query): QueryParams<LongPoll>,
) -> Result<Reply<StatementList>, ApiError> {
    let deadline = Instant::now() + Duration::from_millis(query.wait_ms.min(limits::WAIT_MS_MAX));
    loop {
        let client = app.pg.get().await?;
        let data = statements::pending(&**client, worker.address, STATEMENTS_MAX)
            .await
            .map_err(|e| ApiError::from_store(&e))?;
        drop(client);
        let left = deadline.saturating_duration_since(Instant::now());
        if !data.is_empty() || left.is_zero() || app.stop.is_cancelled() {
            return Ok(Reply(StatementList { data }));
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(LOOK_AGAIN)) => {}
            () = app.stop.cancelled() => {}
        }
    }
}
