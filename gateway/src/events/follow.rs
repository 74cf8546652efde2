//! Tells a device what happens to its job until the end, as server-sent events. Wakes by hints and looks for itself once in a
//! while; holds nothing that is not bounded, and ends when the gateway is told to stop.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use ciro_api::{
    ErrorCode, JobId, Problem, limits,
    rest::{
        events::{EventId, Place, StreamEvent},
        jobs::Job,
    },
};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use utoipa::IntoParams;

use super::{
    buffer,
    seats::Seat,
    tell::{Stand, Teller, Told},
};
use crate::{
    app::App,
    auth::{Device, revoked},
    database,
    extract::{PathParam, QueryParams},
    jobs::show,
    media,
    problem::ApiError,
    wake::{Bed, Event, LOOK_AGAIN},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const EVENT_STREAM: &str = "text/event-stream";
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const STREAM_MAX: Duration = Duration::from_secs(limits::EVENT_STREAM_S_MAX);

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Tell what comes behind this event, for clients that cannot send `Last-Event-ID`, which goes before it.
    #[param(value_type = String, required = false, pattern = "^[0-9]{1,9}-([0-9]{1,9}|done)$")]
    after: Option<EventId>,
}

/// What happens to a job, as server-sent events: `status`, `progress`, `output`, `log`, `restarted`, `lost`, and at the end `done` with
/// the job as `GET /v1/jobs/{id}` gives it. A client that comes back behind `done` gets 204 and stays away.
#[utoipa::path(get, operation_id = "follow_job", path = "/v1/jobs/{id}/events", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job"), After,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that the client has, as `2-17`; anything else is taken for none"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = StreamEvent, description = "The events; the reference page `events` lists them"),
        (status = 204, description = "Nothing comes behind this event"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Malformed"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours"),
        (status = 406, body = Problem, content_type = "application/problem+json", description = "The caller reads no event streams"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "This replica has no stream left"),
))]
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(job): PathParam<JobId>,
    QueryParams(query): QueryParams<After>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if media::quality(&headers, EVENT_STREAM) == 0 {
        let detail = "this path answers in text/event-stream; accept it";
        return Err(ApiError::new(ErrorCode::NotAcceptable, detail));
    }
    let after = last_event_id(&headers).or(query.after);
    let stand = stand(&app, device, job).await?;
    if stand.status.is_final() && after.is_some_and(|id| id.place == Place::Done) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let listener = Listener {
        _seat: app.events.take(device.id)?,
        ended: app.wake.bed(Event::Ended(job)),
        told: app.wake.bed(Event::Progress(job)),
        teller: Teller::new(after, stand),
        until: Instant::now() + STREAM_MAX,
        pending: VecDeque::new(),
        over: false,
        app,
        device,
        job,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let mut response = Sse::new(events(listener)).keep_alive(keep_alive).into_response();
    let reply = response.headers_mut();
    reply.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    // Proxies that gather a reply would hold events back.
    reply.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Browsers send whatever id they saw last, be it of another stream. From the beginning on, nothing is missed.
fn last_event_id(headers: &HeaderMap) -> Option<EventId> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
}

/// One open stream. Dropping it frees the seat and the beds.
struct Listener {
    app: Arc<App>,
    device: Device,
    job: JobId,
    /// Only held.
    _seat: Seat,
    ended: Bed,
    told: Bed,
    teller: Teller,
    until: Instant,
    pending: VecDeque<sse::Event>,
    over: bool,
}

fn events(listener: Listener) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    /// The next event; nothing when the stream ends. A client that wants more comes back with the last id.
    async fn next(&mut self) -> Option<sse::Event> {
        while self.pending.is_empty() && !self.over {
            if let Err(error) = self.look_or_wait().await {
                // The client comes back and is told what is wrong, in a form that has a status.
                tracing::debug!(job = %self.job, code = %error.code(), "an event stream broke off");
                self.over = true;
            }
        }
        self.pending.pop_front()
    }

    async fn look_or_wait(&mut self) -> Result<(), ApiError> {
        let app = Arc::clone(&self.app);
        if app.stop.is_cancelled() || Instant::now() >= self.until {
            self.over = true;
            return Ok(());
        }
        let (ended, told) = (self.ended.notify(), self.told.notify());
        let (ended, told) = (ended.notified(), told.notified());
        tokio::pin!(ended, told);
        // Listen before looking, or what happens in between goes unheard.
        ended.as_mut().enable();
        told.as_mut().enable();
        self.look().await?;
        if self.pending.is_empty() && !self.over {
            tokio::select! {
                _ = timeout(LOOK_AGAIN, ended) => {}
                () = told => {}
                () = app.stop.cancelled() => self.over = true,
            }
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), ApiError> {
        // A stream may outlive what opened it.
        revoked::refuse(&self.app, self.device.id).await?;
        // The row first: all that was told before the end is then in the buffer.
        let stand = stand(&self.app, self.device, self.job).await?;
        let (epoch, seq) = self.teller.place();
        let found = match buffer::read(&self.app.queue, self.job, epoch, seq).await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::debug!(job = %self.job, %error, "events go on from the database alone");
                None
            }
        };
        let drained =
            found.as_ref().is_none_or(|found| found.entries.len() < limits::EVENTS_READ_MAX);
        for told in self.teller.tell(stand, found) {
            let event = render(&told)?;
            self.pending.push_back(event);
        }
        if stand.status.is_final() && drained {
            let job = show::job(&self.app, self.device.id, self.job).await?;
            self.pending.push_back(done(&job, stand.epoch)?);
            self.over = true;
        }
        Ok(())
    }
}

async fn stand(app: &App, device: Device, job: JobId) -> Result<Stand, ApiError> {
    let client = app.pg.get().await?;
    let row =
        database::query_opt(&client, include_str!("stand.sql"), &[&job.0, &device.id.0]).await?;
    let row = row.ok_or_else(|| show::no_such_job(job))?;
    let epoch: i64 = row.try_get("epoch")?;
    Ok(Stand { status: show::status(&row)?, epoch: u64::try_from(epoch).unwrap_or(0) })
}

fn render(told: &Told) -> Result<sse::Event, ApiError> {
    let event = match told {
        Told::Status(status) => data("status", status),
        Told::Worker(name, told) => data(name, told),
        Told::Restarted(restarted) => data("restarted", restarted),
        Told::Lost(lost) => data("lost", lost),
    }?;
    Ok(match told.id() {
        Some(id) => event.id(id.to_string()),
        None => event,
    })
}

fn done(job: &Job, epoch: u64) -> Result<sse::Event, ApiError> {
    let id = EventId { epoch, place: Place::Done };
    Ok(data("done", job)?.id(id.to_string()))
}

fn data(name: &str, value: &impl Serialize) -> Result<sse::Event, ApiError> {
    let json =
        serde_json::to_string(value).map_err(|e| ApiError::internal("writing an event", &e))?;
    Ok(sse::Event::default().event(name).data(json))
}
