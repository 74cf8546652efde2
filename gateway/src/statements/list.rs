//! Lists what a worker is still to be paid for.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, Problem, StatementId,
    rest::statements::{StatementFilter, StatementPage},
};
use ciro_paymaster::statements;
use serde::Deserialize;
use utoipa::IntoParams;

use super::STATEMENTS_MAX;
use crate::{app::App, auth::Worker, extract::QueryParams, problem::ApiError, reply::Reply};

/// Which page of which statements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Which ones; so far those that are neither settled nor voided.
    status: StatementFilter,
    /// Only those behind this one: the `next_after` of the page before.
    after: Option<StatementId>,
    /// How many at most, 1 to 10; 10 unless told.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 10)]
    limit: u32,
}

fn limit_default() -> u32 {
    STATEMENTS_MAX
}

/// The caller's statements that are not settled: with the operator's signature and its own, each can be settled by
/// anyone who sends it to the `JobManager`.
#[utoipa::path(get, operation_id = "list_statements", path = "/v1/statements", tag = "workers", security(("bearer" = [])), params(PageQuery), responses(
    (status = 200, body = StatementPage, description = "A page of statements"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    worker: Worker,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Reply<StatementPage>, ApiError> {
    if !(1..=STATEMENTS_MAX).contains(&query.limit) {
        let detail = format!("the limit is 1 to {STATEMENTS_MAX}, not {}", query.limit);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/limit", detail).into());
    }
    let client = app.pg.get().await?;
    let page = match query.status {
        StatementFilter::Unsettled => {
            statements::unsettled(&**client, worker.address, query.after, query.limit).await
        }
    };
    page.map(Reply).map_err(|e| ApiError::from_store(&e))
}
