//! Tokens live on their own for 15 minutes; this ends those of revoked devices.
//!
//! Asks the database once in [`limits::REVOCATION_LAG_MS`] and remembers only devices whose tokens could still be live.
//! When it cannot ask, it lets nobody in.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use ciro_api::{DeviceId, ErrorCode, limits};
use tokio::{sync::Mutex, time::Instant};

use crate::{app::App, database, problem::ApiError};

const LAG: Duration = Duration::from_millis(limits::REVOCATION_LAG_MS);

/// Which devices were revoked lately, as far as this gateway knows.
#[derive(Default)]
pub(crate) struct Revocations {
    known: RwLock<Known>,
    /// One load at a time: whoever comes meanwhile uses its outcome.
    loading: Mutex<()>,
}

#[derive(Default)]
struct Known {
    as_of: Option<Instant>,
    devices: HashSet<DeviceId>,
}

impl Revocations {
    /// Whether the device was revoked; nothing when that is too long ago to tell.
    fn tell(&self, device: DeviceId) -> Option<bool> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.as_of.is_some_and(|as_of| as_of.elapsed() < LAG);
        fresh.then(|| known.devices.contains(&device))
    }
}

/// Refuses a revoked device.
pub(crate) async fn refuse(app: &App, device: DeviceId) -> Result<(), ApiError> {
    let revoked = match app.revocations.tell(device) {
        Some(told) => told,
        None => look(app, device).await?,
    };
    if !revoked {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::DeviceRevoked, format!("{device} was revoked by its sponsor")))
}

async fn look(app: &App, device: DeviceId) -> Result<bool, ApiError> {
    let _turn = app.revocations.loading.lock().await;
    if let Some(told) = app.revocations.tell(device) {
        return Ok(told);
    }
    load(app).await?;
    let known = app.revocations.known.read().unwrap_or_else(PoisonError::into_inner);
    Ok(known.devices.contains(&device))
}

/// Learns of a revocation that was just committed: once this returns, this gateway refuses the device.
pub(crate) async fn learn(app: &App) -> Result<(), ApiError> {
    // Behind a load that began before the commit, which would not have seen it.
    let _turn = app.revocations.loading.lock().await;
    load(app).await
}

async fn load(app: &App) -> Result<(), ApiError> {
    let as_of = Instant::now();
    let life_s = i64::try_from(limits::TOKEN_TTL_S + limits::CLOCK_SKEW_S).unwrap_or(i64::MAX);
    let client = app.pg.get().await?;
    let rows = database::query(&client, include_str!("revoked.sql"), &[&life_s]).await?;
    drop(client);
    let devices = rows
        .iter()
        .map(|row| row.try_get("device_id").map(DeviceId))
        .collect::<Result<HashSet<_>, _>>()?;
    let mut known = app.revocations.known.write().unwrap_or_else(PoisonError::into_inner);
    *known = Known { as_of: Some(as_of), devices };
    Ok(())
}
