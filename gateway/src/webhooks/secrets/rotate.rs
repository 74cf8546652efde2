//! Gives a webhook secret a successor: both sign for a while, so that receivers can change over without a gap.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ciro_api::{
    ErrorCode, Problem, SponsorScope, WebhookSecretId, limits,
    rest::webhooks::{NewWebhookSecret, RotateWebhookSecret},
};

use crate::{
    app::App,
    auth::Sponsor,
    database,
    extract::{Body, PathParam},
    problem::ApiError,
};

/// Makes a successor of a secret. Both sign until the overlap is over; then the old one ends by itself.
#[utoipa::path(post, operation_id = "rotate_webhook_secret", path = "/v1/webhooks/secrets/{id}/rotate", tag = "webhooks", security(("sponsor_key" = [])),
    request_body = RotateWebhookSecret,
    params(("id" = WebhookSecretId, Path, description = "The secret that is to end")),
    responses(
        (status = 201, body = NewWebhookSecret, description = "The successor"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such live secret of yours"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It has a successor already"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "Body too large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Not JSON"),
))]
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    PathParam(id): PathParam<WebhookSecretId>,
    body: Body<RotateWebhookSecret>,
) -> Result<(StatusCode, Json<NewWebhookSecret>), ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let overlap_s = body.value.overlap_s.unwrap_or(limits::WEBHOOK_OVERLAP_S_DEFAULT);
    if overlap_s > limits::WEBHOOK_OVERLAP_S_MAX {
        let problem = Problem::new(ErrorCode::InvalidRequest, "the overlap is out of range");
        let detail = format!("must be at most {}", limits::WEBHOOK_OVERLAP_S_MAX);
        return Err(problem.at("/overlap_s", detail).into());
    }
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    super::lock(&tx, sponsor.id).await?;
    let live = database::query(&tx, include_str!("live.sql"), &[&sponsor.id.0]).await?;
    let live = live.iter().map(super::read).collect::<Result<Vec<_>, _>>()?;
    if live.iter().all(|secret| secret.id != id) {
        return Err(super::unknown(id));
    }
    let overlap_s = i64::from(overlap_s);
    database::query_opt(&tx, include_str!("expire.sql"), &[&id.0, &sponsor.id.0, &overlap_s])
        .await?;
    let made = super::make(&app, &tx, sponsor.id).await?;
    tx.commit().await?;
    tracing::info!(secret = %made.id, old = %id, sponsor = %sponsor.id, "a webhook secret was rotated");
    Ok((StatusCode::CREATED, Json(made)))
}
