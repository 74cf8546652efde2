//! Revokes a device: it gets no token any more, and those that it has stop.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{DeviceId, Problem, SponsorId, SponsorScope, rest::devices::Device as Shown};
use ciro_paymaster::devices;

use super::shown;
use crate::{
    app::App,
    auth::{Sponsor, revoked},
    database,
    extract::PathParam,
    problem::ApiError,
    reply::Reply,
};

/// Revokes a device of the caller's, for good. This gateway refuses its tokens once this is answered, every other one
/// a second later at most, and the paymaster at once. Its accepted jobs go on. Revoking it again changes nothing.
#[utoipa::path(post, operation_id = "revoke_device", path = "/v1/devices/{id}/revoke", tag = "devices", security(("sponsor_key" = [])),
    params(("id" = DeviceId, Path, description = "The device")),
    responses(
        (status = 200, body = Shown, description = "Revoked, by this call or an earlier one"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good API key"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The key has not the scope `manage`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such device of yours"),
))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    sponsor: Sponsor,
    PathParam(id): PathParam<DeviceId>,
) -> Result<Reply<Shown>, ApiError> {
    sponsor.require(SponsorScope::Manage)?;
    let device = end(&app, id, sponsor.id).await?;
    revoked::learn(&app).await?;
    tracing::info!(device = %id, sponsor = %sponsor.id, "a device was revoked");
    Ok(Reply(device))
}

/// Here and for the paymaster, which reads no table of ours, or nowhere.
async fn end(app: &App, id: DeviceId, sponsor: SponsorId) -> Result<Shown, ApiError> {
    let mut client = app.pg.get().await?;
    let tx = client.transaction().await?;
    let row = database::query_opt(&tx, include_str!("revoke.sql"), &[&id.0, &sponsor.0]).await?;
    let device = shown(id, row.as_ref())?;
    devices::revoke(&*tx, id).await?;
    tx.commit().await?;
    Ok(device)
}
