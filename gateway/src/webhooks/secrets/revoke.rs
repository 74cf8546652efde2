//! Ends a webhook secret at once.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::{Problem, SponsorScope, WebhookSecretId, rest::webhooks::WebhookSecret};

use crate::{app::App, auth::Sponsor, database, extract::PathParam, problem::ApiError};

/// Ends a secret: nothing is signed with it any more. Without a live one, webhooks wait. Revoking it again changes nothing.
#[utoipa::path(post, operation_id = "revoke_webhook_secret", path = "/v1/webhooks/secrets/{id}/revoke", tag = "webhooks", security(("sponsor_key" = [])),
    params(("id" = WebhookSecretId, Path, description = "The secret")),
    responses(
        (status = 200, body = WebhookSecret, description = "Revoked, by this call or an earlier one"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such secret of yours"),
))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    PathParam(id): PathParam<WebhookSecretId>,
) -> Result<Json<WebhookSecret>, ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let client = app.pg.get().await?;
    let ended =
        database::query_opt(&client, include_str!("expire.sql"), &[&id.0, &sponsor.id.0, &0_i64])
            .await?;
    let row = ended.ok_or_else(|| super::unknown(id))?;
    tracing::info!(secret = %id, sponsor = %sponsor.id, "a webhook secret was revoked");
    Ok(Json(super::read(&row)?))
}
