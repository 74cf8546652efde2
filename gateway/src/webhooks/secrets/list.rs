//! Lists the secrets that a sponsor's webhooks are signed with, without their texts.

use std::sync::Arc;

use axum::{Json, extract::State};
use ciro_api::{Problem, SponsorScope, rest::webhooks::WebhookSecretList};

use crate::{app::App, auth::Sponsor, database, problem::ApiError};

/// The secrets that your webhooks are signed with now, oldest first.
#[utoipa::path(get, operation_id = "list_webhook_secrets", path = "/v1/webhooks/secrets", tag = "webhooks", security(("sponsor_key" = [])), responses(
    (status = 200, body = WebhookSecretList, description = "The live secrets"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `read`"),
))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
) -> Result<Json<WebhookSecretList>, ApiError> {
    sponsor.require(SponsorScope::Read)?;
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("live.sql"), &[&sponsor.id.0]).await?;
    let data = rows.iter().map(super::read).collect::<Result<_, _>>()?;
    Ok(Json(WebhookSecretList { data }))
}
