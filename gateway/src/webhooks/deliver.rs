//! Sends what the outbox holds: each event until its receiver has taken it, or has had all its tries.
//!
//! Every gateway sends. A row is taken on for a while under `SKIP LOCKED`; when its gateway dies, it falls due again.
//! So an event may come twice, and never not at all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use ciro_api::{DeviceId, ErrorCode, EventId, JobId, SponsorId, Trace, limits};
use ciro_egress::{Call, PostError, Poster, Reply};
use time::OffsetDateTime;
use tokio::{task::JoinSet, time::timeout};
use tokio_postgres::{Row, types::Json};
use tokio_util::sync::CancellationToken;

use super::{
    event::{self, Happened},
    retry::Schedule,
    sign,
};
use crate::{
    app::App,
    database::{self, DatabaseError, read},
    observe,
    problem::ApiError,
};

/// How often the outbox is looked into while it is empty.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long calls may go on when the gateway stops. Whoever is cut off is called again.
const DRAIN: Duration = Duration::from_secs(4);

/// What sends: the client, when to try again, and how many calls each host has from us now.
#[derive(Debug)]
pub(crate) struct Courier {
    poster: Poster,
    schedule: Schedule,
    calls: Mutex<HashMap<String, usize>>,
}

impl Courier {
    pub(crate) fn new(poster: Poster, first: Duration) -> Self {
        Self { poster, schedule: Schedule { first }, calls: Mutex::default() }
    }

    /// The hosts that are called often enough at once.
    fn busy(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let full = calls.iter().filter(|(_, now)| **now >= limits::WEBHOOKS_PER_HOST_MAX);
        full.map(|(host, _)| host.clone()).collect()
    }

    fn begin(&self, host: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(host.to_owned()).or_default() += 1;
    }

    fn end(&self, host: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = calls.get_mut(host) {
            *now -= 1;
            if *now == 0 {
                calls.remove(host);
            }
        }
    }
}

/// An event that this gateway has taken on.
struct Delivery {
    happened: Happened,
    sponsor: SponsorId,
    url: String,
    host: String,
    /// Whether its receiver has said before that it wants no more.
    gone: bool,
    claims: i64,
    tries: u32,
}

/// A place among a host's calls. Given back however the delivery ends.
struct Place {
    app: Arc<App>,
    host: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.courier.end(&self.host);
    }
}

/// Sends until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    let mut under_way = JoinSet::new();
    while !stop.is_cancelled() {
        if let Err(error) = take_on(&app, &mut under_way).await {
            tracing::warn!(code = %error.code(), "webhooks have to wait");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            Some(sent) = under_way.join_next() => report(sent),
        }
    }
    let ended = async {
        while let Some(sent) = under_way.join_next().await {
            report(sent);
        }
    };
    if timeout(DRAIN, ended).await.is_err() {
        tracing::warn!("some webhooks were cut off; they are sent again");
    }
}

fn report(sent: Result<Result<(), ApiError>, tokio::task::JoinError>) {
    match sent {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(code = %error.code(), "a webhook is sent again later"),
        Err(error) => {
            tracing::error!(%error, "sending a webhook ended badly; it is sent again later");
        }
    }
}

/// Takes on what is due and has a place.
async fn take_on(
    app: &Arc<App>,
    under_way: &mut JoinSet<Result<(), ApiError>>,
) -> Result<(), ApiError> {
    let claim_ms = i64::try_from(limits::WEBHOOK_CLAIM_MS).unwrap_or(i64::MAX);
    while under_way.len() < limits::WEBHOOKS_AT_ONCE_MAX {
        let client = app.pg.get().await?;
        let busy = app.courier.busy();
        let found =
            database::query_opt(&client, include_str!("claim.sql"), &[&busy, &claim_ms]).await?;
        drop(client);
        let Some(row) = found else { return Ok(()) };
        let delivery = read_delivery(&row)?;
        app.courier.begin(&delivery.host);
        let place = Place { app: Arc::clone(app), host: delivery.host.clone() };
        under_way.spawn(deliver(place, delivery));
    }
    Ok(())
}

async fn deliver(place: Place, delivery: Delivery) -> Result<(), ApiError> {
    let app = &place.app;
    let Happened { id, job, .. } = delivery.happened;
    let sent = match send(app, &delivery).await {
        Ok(sent) => sent,
        // A part we need is away; that is not the receiver's try.
        Err(error) if error.code() == ErrorCode::Unavailable => return Err(error),
        Err(error) => Failure::of(format!("a fault of ours: {}", error.code()), Again::After(None)),
    };
    match sent {
        Sent::Taken => {
            let client = app.pg.get().await?;
            database::execute(&client, include_str!("delivered.sql"), &[&id.0, &delivery.claims])
                .await?;
            observe::webhook("taken");
            tracing::debug!(event = %id, %job, "a webhook was taken");
            Ok(())
        }
        Sent::Failed(failure) => put_back(app, &delivery, failure).await,
    }
}

enum Sent {
    Taken,
    Failed(Failure),
}

/// Whether another try could do better.
enum Again {
    Never,
    /// Not sooner than the receiver asked, if it did.
    After(Option<Duration>),
}

/// Why a try came to nothing.
struct Failure {
    status: Option<u16>,
    reason: String,
    again: Again,
    /// Whether the receiver has just said that it wants no more.
    newly_gone: bool,
}

impl Failure {
    fn of(reason: impl Into<String>, again: Again) -> Sent {
        Sent::Failed(Self { status: None, reason: reason.into(), again, newly_gone: false })
    }
}

async fn send(app: &App, delivery: &Delivery) -> Result<Sent, ApiError> {
    if delivery.gone {
        return Ok(Failure::of("the receiver has answered 410 Gone before", Again::Never));
    }
    let secrets = sign::secrets(app, delivery.sponsor).await?;
    if secrets.is_empty() {
        // Never unsigned: receivers would learn to take what anybody sends.
        return Ok(Failure::of("the sponsor has no live webhook secret", Again::After(None)));
    }
    let body = event::body(app, &delivery.happened).await?;
    let headers = headers(&delivery.happened, &secrets, &body)?;
    let call = Call {
        url: &delivery.url,
        headers,
        body,
        timeout: Duration::from_millis(limits::WEBHOOK_TIMEOUT_MS),
        reply_bytes_max: limits::WEBHOOK_REPLY_BYTES_MAX,
    };
    Ok(match app.courier.poster.post(call).await {
        Ok(reply) => judge(&reply),
        Err(error @ PostError::Unusable(_)) => Failure::of(error.to_string(), Again::Never),
        Err(error) => Failure::of(error.to_string(), Again::After(None)),
    })
}

/// The status is all that counts of an answer.
fn judge(reply: &Reply) -> Sent {
    let Reply { status, retry_after, .. } = *reply;
    if (200..300).contains(&status) {
        return Sent::Taken;
    }
    // It wants no more, ever.
    let newly_gone = status == StatusCode::GONE.as_u16();
    Sent::Failed(Failure {
        status: Some(status),
        reason: if newly_gone {
            "the receiver answered 410 Gone".to_owned()
        } else {
            format!("the receiver answered {status}")
        },
        again: if newly_gone { Again::Never } else { Again::After(retry_after) },
        newly_gone,
    })
}

fn headers(happened: &Happened, secrets: &[[u8; 32]], body: &[u8]) -> Result<HeaderMap, ApiError> {
    let sent_s = OffsetDateTime::now_utc().unix_timestamp();
    let signature = sign::header(secrets, happened.id, sent_s, body);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(event::MEDIA_TYPE));
    headers.insert("webhook-timestamp", HeaderValue::from(sent_s));
    let texts = [("webhook-id", happened.id.to_string()), ("webhook-signature", signature)];
    let trace = happened.trace.as_ref();
    let parent = trace.map(|trace| ("traceparent", trace.traceparent.to_string()));
    let state = trace.and_then(|trace| Some(("tracestate", trace.tracestate.clone()?)));
    for (name, text) in texts.into_iter().chain(parent).chain(state) {
        let value = HeaderValue::from_str(&text);
        headers.insert(name, value.map_err(|e| ApiError::internal("writing a header", &e))?);
    }
    Ok(headers)
}

/// Writes down why it failed, and when it is tried again, if ever.
async fn put_back(app: &App, delivery: &Delivery, failure: Failure) -> Result<(), ApiError> {
    let Failure { status, reason, again, newly_gone } = failure;
    let tries = delivery.tries.saturating_add(1);
    let pause = match again {
        Again::Never => None,
        Again::After(asked) => app.courier.schedule.pause(tries, asked),
    };
    let pause_ms = pause.map(|pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
    let (id, status) = (delivery.happened.id, status.map(i32::from));
    let client = app.pg.get().await?;
    if newly_gone {
        let (sponsor, url) = (delivery.sponsor.0, &delivery.url);
        database::execute(&client, include_str!("gone.sql"), &[&sponsor, url]).await?;
    }
    database::execute(
        &client,
        include_str!("put_back.sql"),
        &[&id.0, &delivery.claims, &status, &reason, &pause_ms],
    )
    .await?;
    observe::webhook(if pause.is_some() { "put_back" } else { "given_up" });
    tracing::info!(event = %id, host = delivery.host, tries, reason, again = pause.is_some(), "a webhook was not taken");
    Ok(())
}

fn read_delivery(row: &Row) -> Result<Delivery, DatabaseError> {
    let trace: Option<Json<Trace>> = row.try_get("trace")?;
    Ok(Delivery {
        happened: Happened {
            id: EventId(row.try_get("event_id")?),
            kind: read(row, "kind")?,
            job: JobId(row.try_get("job_id")?),
            device: DeviceId(row.try_get("device_id")?),
            at: row.try_get("happened_at")?,
            trace: trace.map(|Json(trace)| trace),
        },
        sponsor: SponsorId(row.try_get("sponsor_id")?),
        url: row.try_get("url")?,
        host: row.try_get("host")?,
        gone: row.try_get("gone")?,
        claims: row.try_get("claims")?,
        tries: u32::try_from(row.try_get::<_, i32>("tries")?).unwrap_or(u32::MAX),
    })
}
