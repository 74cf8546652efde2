//! Lists a sponsor's claim tokens, without their texts, newest first and those that ended too.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ClaimTokenId, ErrorCode, Problem, SponsorId, SponsorScope, limits,
    rest::claim_tokens::{ClaimToken, ClaimTokenPage},
};
use serde::Deserialize;
use tokio_postgres::GenericClient;
use utoipa::IntoParams;

use crate::{
    app::App, auth::Sponsor, database::DatabaseError, extract::QueryParams, problem::ApiError,
    reply::Reply,
};

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClaimTokenQuery {
    /// Only those behind this one: the `next_after` of the page before.
    after: Option<ClaimTokenId>,
    /// How many at most, 1 to 100; 50 unless told.
    #[serde(default = "limit_default")]
    #[param(minimum = 1, maximum = 100)]
    limit: u32,
}

fn limit_default() -> u32 {
    limits::CLAIM_TOKEN_PAGE_DEFAULT
}

/// Your claim tokens, newest first. Those that are over, used up or revoked stay until 500 newer ones have ended.
#[utoipa::path(get, operation_id = "list_claim_tokens", path = "/v1/sponsors/me/claim-tokens", tag = "sponsors", security(("sponsor_key" = [])), params(ClaimTokenQuery), responses(
    (status = 200, body = ClaimTokenPage, description = "A page of claim tokens"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    QueryParams(query): QueryParams<ClaimTokenQuery>,
) -> Result<Reply<ClaimTokenPage>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    if !(1..=limits::CLAIM_TOKEN_PAGE_MAX).contains(&query.limit) {
        let detail =
            format!("the limit is 1 to {}, not {}", limits::CLAIM_TOKEN_PAGE_MAX, query.limit);
        let problem = Problem::new(ErrorCode::InvalidRequest, "a parameter is out of range");
        return Err(problem.at("query/limit", detail).into());
    }
    let client = app.pg.get().await?;
    // One more than is shown tells whether there are more.
    let mut data = claim_tokens(&**client, sponsor.id, query.after, query.limit + 1).await?;
    drop(client);
    let shown = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let has_more = data.len() > shown;
    data.truncate(shown);
    let next_after = data.last().map(|token| token.id).filter(|_| has_more);
    Ok(Reply(ClaimTokenPage { data, has_more, next_after }))
}

/// Up to `most` claim tokens of a sponsor behind `after`, newest first.
pub async fn claim_tokens(
    client: &impl GenericClient,
    sponsor: SponsorId,
    after: Option<ClaimTokenId>,
    most: u32,
) -> Result<Vec<ClaimToken>, DatabaseError> {
    let after = after.map(|token| token.0);
    let rows =
        client.query(include_str!("list.sql"), &[&sponsor.0, &after, &i64::from(most)]).await?;
    rows.iter().map(super::read).collect()
}
