//! Waits for a job to end or change: by hint, and by looking once in a while in case the hint was lost.

use std::time::Duration;

use ciro_api::{DeviceId, JobId, limits, rest::jobs::Job};
use tokio::time::{Instant, timeout};

use super::show;
use crate::{
    app::App,
    problem::ApiError,
    wake::{Event, LOOK_AGAIN},
};

/// The job, once it ended or `wait_ms` passed or the gateway was told to stop.
pub(crate) async fn until_final(
    app: &App,
    device: DeviceId,
    id: JobId,
    wait_ms: u64,
) -> Result<Job, ApiError> {
    until(app, device, id, wait_ms, |job| Ok(job.status.is_final())).await
}

/// The job, once there is `enough` to tell or `wait_ms` passed or the gateway was told to stop.
pub(crate) async fn until(
    app: &App,
    device: DeviceId,
    id: JobId,
    wait_ms: u64,
    enough: impl Fn(&Job) -> Result<bool, ApiError>,
) -> Result<Job, ApiError> {
    let deadline = Instant::now() + Duration::from_millis(wait_ms.min(limits::WAIT_MS_MAX));
    let bed = app.wake.bed(Event::Ended(id));
    loop {
        let hint = bed.hint();
        tokio::pin!(hint);
        // Listen before looking, or an end in between goes unheard.
        hint.as_mut().enable();
        let job = show::job(app, device, id).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if enough(&job)? || left.is_zero() || app.stop.is_cancelled() {
            return Ok(job);
        }
        tokio::select! {
            _ = timeout(left.min(LOOK_AGAIN), hint) => {}
            () = app.stop.cancelled() => {}
        }
    }
}
