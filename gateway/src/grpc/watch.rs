//! Tells a device how its job goes on. No watch outlives its token, its deadline or this replica.

use ciro_api::{
    JobId, JobStatus,
    grpc::{
        job_id,
        v1::{Job, WatchJobRequest},
    },
    limits,
    rest::jobs::Job as Shown,
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tonic::Status;

use super::call::Call;
use crate::{jobs::wait, problem::ApiError};

/// Where a watch stands.
struct Watch {
    call: Call,
    id: JobId,
    told: Option<JobStatus>,
}

/// The job as it stands, then each change of its status.
pub(super) async fn begin(
    call: Call,
    message: &WatchJobRequest,
) -> Result<BoxStream<'static, Result<Job, Status>>, ApiError> {
    call.device().await?;
    let watch = Watch { call, id: job_id(&message.id)?, told: None };
    let next = |watch: Option<Watch>| async { Some(watch?.next().await) };
    Ok(stream::unfold(Some(watch), next).boxed())
}

impl Watch {
    /// The next to tell, and the watch unless that was the last.
    async fn next(mut self) -> (Result<Job, Status>, Option<Self>) {
        loop {
            match self.look().await {
                Ok(None) => {}
                Ok(Some(job)) => {
                    self.told = Some(job.status);
                    let over = job.status.is_final();
                    return (Ok(job.into()), (!over).then_some(self));
                }
                Err(error) => return (Err(self.call.refuse(error)), None),
            }
        }
    }

    /// Waits for a change, no longer than a revocation may go unnoticed.
    async fn look(&self) -> Result<Option<Shown>, ApiError> {
        let device = self.call.device_still().await?;
        let changed = |job: &Shown| Some(job.status) != self.told;
        let wait_ms = self.call.wait_ms(limits::RECENT_LAG_MS);
        let enough = |job: &Shown| Ok(changed(job));
        let job = wait::until(&self.call.app, device.id, self.id, wait_ms, enough).await?;
        if changed(&job) {
            return Ok(Some(job));
        }
        if let Some(reason) = self.call.over() {
            return Err(reason);
        }
        Ok(None)
    }
}
