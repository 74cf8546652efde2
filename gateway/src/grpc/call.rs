//! What comes with a call beside its message: who asks, until when, and under which id.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use ciro_api::{ErrorCode, Problem, Trace, limits};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::status;
use crate::{
    app::App,
    auth::{Device, Worker},
    limiter::headers::Reported,
    problem::ApiError,
    stack::REQUEST_ID,
};

const MARGIN: Duration = Duration::from_millis(limits::REPLY_MARGIN_MS);

/// When the caller stops listening; travels from the edge with the request.
#[derive(Clone, Copy)]
pub(super) struct Deadline(pub(super) Instant);

/// One call.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) app: Arc<App>,
    metadata: HeaderMap,
    report: Reported,
    deadline: Option<Instant>,
}

impl Call {
    /// The call of a request, and its message.
    pub(super) fn open<T>(app: &Arc<App>, request: Request<T>) -> (Self, T) {
        let (metadata, extensions, message) = request.into_parts();
        let call = Self {
            app: Arc::clone(app),
            metadata: metadata.into_headers(),
            report: extensions.get::<Reported>().cloned().unwrap_or_default(),
            deadline: extensions.get::<Deadline>().map(|deadline| deadline.0),
        };
        (call, message)
    }

    /// The device that calls, for one more request of its quota.
    pub(super) async fn device(&self) -> Result<Device, ApiError> {
        Device::admit(&self.app, &self.metadata, &self.report).await
    }

    /// The device whose call goes on: refused once its token is over or it was revoked.
    pub(super) async fn device_still(&self) -> Result<Device, ApiError> {
        Device::known(&self.app, &self.metadata).await
    }

    /// The trace that the call is part of.
    pub(super) fn trace(&self) -> Option<Trace> {
        ciro_telemetry::trace_here(&self.metadata)
    }

    /// The worker that calls.
    pub(super) fn worker(&self) -> Result<Worker, ApiError> {
        Worker::known(&self.app, &self.metadata)
    }

    /// The wished wait, or what the deadline leaves of it.
    pub(super) fn wait_ms(&self, wished_ms: u64) -> u64 {
        let Some(deadline) = self.deadline else { return wished_ms };
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN);
        wished_ms.min(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }

    /// Why a stream should end by now, if it should.
    pub(super) fn over(&self) -> Option<ApiError> {
        if self.app.stop.is_cancelled() {
            let detail = "this replica stops; call again to reach another";
            return Some(ApiError::new(ErrorCode::Unavailable, detail));
        }
        let past = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        past.then(|| ApiError::new(ErrorCode::RequestTimeout, "the call's deadline has come"))
    }

    /// Returns once [`Self::over`] has something to say.
    pub(super) async fn until_over(&self) {
        match self.deadline {
            Some(deadline) => tokio::select! {
                () = self.app.stop.cancelled() => {}
                () = tokio::time::sleep_until(deadline) => {}
            },
            None => self.app.stop.cancelled().await,
        }
    }

    /// What the caller gets.
    pub(super) fn reply<T>(&self, answer: Result<T, ApiError>) -> Result<Response<T>, Status> {
        answer.map(Response::new).map_err(|error| self.refuse(error))
    }

    /// The status of a refusal.
    pub(super) fn refuse(&self, error: impl Into<Problem>) -> Status {
        status::of(error.into(), self.id(), self.report.retry_after())
    }

    /// The status of a refusal that a library made while a stream was read.
    pub(super) fn refuse_foreign(&self, refusal: &Status) -> Status {
        let (code, problem) = status::foreign(refusal);
        status::with(code, problem, self.id(), None)
    }

    fn id(&self) -> Option<&str> {
        self.metadata.get(REQUEST_ID).and_then(|id| id.to_str().ok())
    }
}
