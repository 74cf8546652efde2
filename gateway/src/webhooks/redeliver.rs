//! Sends a delivery again that was given up.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use ciro_api::{ErrorCode, EventId, Problem, SponsorScope};

use crate::{app::App, auth::Sponsor, database, extract::PathParam, problem::ApiError};

/// Sends an event again that was given up, with all its tries, and calls its address again if that had answered 410.
#[utoipa::path(post, operation_id = "redeliver_event", path = "/v1/webhooks/failed/{event}/redeliver", tag = "webhooks", security(("sponsor_key" = [])),
    params(("event" = EventId, Path, description = "The event")),
    responses(
        (status = 202, description = "It will be sent"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such failed delivery of yours"),
))]
pub(crate) async fn redeliver(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    PathParam(event): PathParam<EventId>,
) -> Result<StatusCode, ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let client = app.pg.get().await?;
    let again =
        database::query_opt(&client, include_str!("redeliver.sql"), &[&event.0, &sponsor.id.0])
            .await?;
    if again.is_some() {
        return Ok(StatusCode::ACCEPTED);
    }
    let detail = format!("you have no failed delivery of {event}");
    Err(ApiError::new(ErrorCode::NotFound, detail))
}
