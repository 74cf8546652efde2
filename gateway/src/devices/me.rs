//! Shows a device to itself.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{Problem, rest::devices::Device as Shown};

use super::shown;
use crate::{app::App, auth::Device, database, problem::ApiError, reply::Reply};

/// The device that the token is for.
#[utoipa::path(get, operation_id = "get_device_me", path = "/v1/devices/me", tag = "devices", security(("bearer" = [])), responses(
    (status = 200, body = Shown, description = "The device"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
))]
pub(crate) async fn me(
    State(app): State<Arc<App>>,
    device: Device,
) -> Result<Reply<Shown>, ApiError> {
    let client = app.pg.get().await?;
    let row = database::query_opt(
        &client,
        include_str!("of_sponsor.sql"),
        &[&device.id.0, &device.sponsor.0],
    )
    .await?;
    shown(device.id, row.as_ref()).map(Reply)
}
