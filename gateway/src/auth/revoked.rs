//! Tokens live on their own for 15 minutes; this ends those of revoked devices.
//!
//! Remembers only devices whose tokens could still be live. When it cannot ask the database, it lets nobody in.

use std::collections::HashSet;

use ciro_api::{DeviceId, ErrorCode, limits};

use crate::{app::App, database, problem::ApiError, recent::Recent};

/// Which devices were revoked lately, as far as this gateway knows.
pub(crate) type Revocations = Recent<HashSet<DeviceId>>;

/// Refuses a revoked device.
pub(crate) async fn refuse(app: &App, device: DeviceId) -> Result<(), ApiError> {
    if !app.revocations.get(load(app)).await?.contains(&device) {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::DeviceRevoked, format!("{device} was revoked by its sponsor")))
}

/// Learns of a revocation that was just committed: once this returns, this gateway refuses the device.
pub(crate) async fn learn(app: &App) -> Result<(), ApiError> {
    app.revocations.renew(load(app)).await
}

async fn load(app: &App) -> Result<HashSet<DeviceId>, ApiError> {
    let life_s = i64::try_from(limits::TOKEN_TTL_S + limits::CLOCK_SKEW_S).unwrap_or(i64::MAX);
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("revoked.sql"), &[&life_s]).await?;
    Ok(rows.iter().map(|row| row.try_get("device_id").map(DeviceId)).collect::<Result<_, _>>()?)
}
