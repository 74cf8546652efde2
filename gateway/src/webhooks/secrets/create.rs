//! Makes a webhook secret for a sponsor. Its text is shown once.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ciro_api::{Problem, SponsorScope, rest::webhooks::NewWebhookSecret};

use crate::{app::App, auth::Sponsor, problem::ApiError};

/// Makes a secret that your webhooks are signed with from now on. Keep its text: it is shown this once.
#[utoipa::path(post, operation_id = "create_webhook_secret", path = "/v1/webhooks/secrets", tag = "webhooks", security(("sponsor_key" = [])), responses(
    (status = 201, body = NewWebhookSecret, description = "The secret"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Two secrets are live already"),
))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
) -> Result<(StatusCode, Json<NewWebhookSecret>), ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    super::lock(&tx, sponsor.id).await?;
    let made = super::make(&app, &tx, sponsor.id).await?;
    tx.commit().await?;
    tracing::info!(secret = %made.id, sponsor = %sponsor.id, "a webhook secret was made");
    Ok((StatusCode::CREATED, Json(made)))
}
