//! Revokes a claim token: it enrols nobody any more.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ClaimTokenId, ErrorCode, Problem, SponsorId, SponsorScope, rest::claim_tokens::ClaimToken,
};
use tokio_postgres::GenericClient;

use crate::{
    app::App, auth::Sponsor, database::DatabaseError, extract::PathParam, problem::ApiError,
    reply::Reply,
};

/// Ends a claim token: no claim with it is accepted once this is answered. Devices that it enrolled go on. Revoking it
/// again changes nothing.
#[utoipa::path(post, operation_id = "revoke_claim_token", path = "/v1/sponsors/me/claim-tokens/{id}/revoke", tag = "sponsors", security(("sponsor_key" = [])),
    params(("id" = ClaimTokenId, Path, description = "The claim token")),
    responses(
        (status = 200, body = ClaimToken, description = "Revoked, by this call or an earlier one"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such claim token of yours"),
))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    PathParam(id): PathParam<ClaimTokenId>,
) -> Result<Reply<ClaimToken>, ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let client = app.pg.get().await?;
    let revoked = revoke_claim_token(&**client, sponsor.id, id).await?.ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("you have no claim token {id}"))
    })?;
    tracing::info!(claim_token = %id, sponsor = %sponsor.id, "a claim token was revoked");
    Ok(Reply(revoked))
}

/// Revokes a claim token, unless the sponsor has none of this id. Waits for a claim that is under way with it.
pub async fn revoke_claim_token(
    client: &impl GenericClient,
    sponsor: SponsorId,
    id: ClaimTokenId,
) -> Result<Option<ClaimToken>, DatabaseError> {
    let row = client.query_opt(include_str!("revoke.sql"), &[&id.0, &sponsor.0]).await?;
    row.as_ref().map(super::read).transpose()
}
