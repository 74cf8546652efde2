//! A worker tells how its run goes. Refused as soon as the run is not its own any more; never touches the job.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    ErrorCode, Problem, limits,
    rest::{
        events::{Progress, ProgressReply, ProgressRequest},
        leases::LeaseRef,
    },
};

use super::buffer::{self, Appended, Entry};
use crate::{
    app::App, auth::Worker, database, extract::Body, problem::ApiError, reply::Reply, wake::Event,
};

/// Tells the requester how a run goes. Only for the eyes: nothing is paid or judged by it, and it may be lost.
#[utoipa::path(post, path = "/v1/leases/progress", tag = "workers", request_body = ProgressRequest, security(("bearer" = [])), responses(
    (status = 200, body = ProgressReply, description = "Told, by this call or an earlier one"),
    (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed or too large"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Not the caller's lease any more, or over"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "More than 50 in this second; leave it out or try again"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Redis is away; leave it out or try again"),
))]
pub(crate) async fn progress(
    State(app): State<Arc<App>>,
    worker: Worker,
    body: Body<ProgressRequest>,
) -> Result<Reply<ProgressReply>, ApiError> {
    let ProgressRequest { fence, seq, event } = body.value;
    check(seq, &event)?;
    require_held(&app, worker, &fence).await?;
    let entry = Entry { epoch: fence.epoch, seq, event };
    let stored = match buffer::append(&app.queue, fence.job, &entry).await? {
        Appended::Stored => true,
        Appended::Known => false,
        Appended::TooFast => {
            let most = limits::EVENTS_PER_SECOND_MAX;
            let detail = format!("a run tells at most {most} things a second; put them together");
            return Err(ApiError::new(ErrorCode::RateLimited, detail));
        }
    };
    if stored {
        app.wake.announce(&app.queue, Event::Progress(fence.job)).await;
    }
    Ok(Reply(ProgressReply { stored }))
}

fn check(seq: u32, event: &Progress) -> Result<(), ApiError> {
    let most = limits::EVENT_BYTES_MAX;
    let too_large = |bytes: usize| bytes > most;
    let fault = match event {
        _ if seq == 0 => Some(("/seq", "numbers begin at 1".to_owned())),
        Progress::Percent(percent) if *percent > 100 => {
            Some(("/event/percent", "0 to 100".to_owned()))
        }
        Progress::Output(chunk) if too_large(chunk.0.len()) => {
            Some(("/event/output", format!("at most {most} bytes")))
        }
        Progress::Log(text) if too_large(text.len()) => {
            Some(("/event/log", format!("at most {most} bytes")))
        }
        _ => None,
    };
    let Some((pointer, detail)) = fault else {
        return Ok(());
    };
    let problem = Problem::new(ErrorCode::InvalidRequest, "the progress cannot be used");
    Err(problem.at(pointer, detail).into())
}

async fn require_held(app: &App, worker: Worker, fence: &LeaseRef) -> Result<(), ApiError> {
    let epoch = i64::try_from(fence.epoch).unwrap_or(-1);
    let client = app.pg.get().await?;
    let held = database::query_opt(
        &client,
        include_str!("held.sql"),
        &[&fence.job.0, &epoch, &fence.lease.0, &worker.address.to_string()],
    )
    .await?;
    if held.is_some() {
        return Ok(());
    }
    let detail = format!(
        "job {} is not held under epoch {} and this lease any more",
        fence.job, fence.epoch
    );
    Err(ApiError::new(ErrorCode::LeaseLost, detail))
}
