//! What a receiver gets: the job, in a `CloudEvents` envelope.

use ciro_api::{DeviceId, EventId, EventKind, JobId, Trace, rest::webhooks::Event};
use time::OffsetDateTime;

use crate::{app::App, jobs::show, problem::ApiError};

/// The media type of `CloudEvents` in structured JSON.
pub(super) const MEDIA_TYPE: &str = "application/cloudevents+json";

/// What happened, to which job.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) id: EventId,
    pub(super) kind: EventKind,
    pub(super) job: JobId,
    pub(super) device: DeviceId,
    pub(super) at: OffsetDateTime,
    pub(super) trace: Option<Trace>,
}

/// The bytes to send. The job in them is as it is now: its money may have moved on between two tries.
pub(super) async fn body(app: &App, happened: &Happened) -> Result<Vec<u8>, ApiError> {
    let data = show::job(app, happened.device, happened.job).await?;
    let trace = happened.trace.clone();
    let event = Event {
        specversion: "1.0".to_owned(),
        id: happened.id,
        source: "/v1/jobs".to_owned(),
        kind: happened.kind,
        subject: happened.job,
        time: happened.at,
        datacontenttype: "application/json".to_owned(),
        traceparent: trace.as_ref().map(|trace| trace.traceparent.to_string()),
        tracestate: trace.and_then(|trace| trace.tracestate),
        data,
    };
    serde_json::to_vec(&event).map_err(|e| ApiError::internal("writing an event", &e))
}
