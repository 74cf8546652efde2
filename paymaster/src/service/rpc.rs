//! SNIP-29 over HTTP: `POST /`, for wallets and apps, also out of browsers. Beside it, `GET /health` and `GET /webhook-key`.

use std::{io, net::SocketAddr};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{self, HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    cors::{Any, CorsLayer},
    trace::TraceLayer,
};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::asking::{Asking, DEVICE_HEADER, KEY_HEADERS};
use crate::{
    admission::Kind,
    observe,
    requests::{self, Desk},
    snip29::{self, Call, Fault, FaultCode, Id, MalformedCall, Method, Reply, Request},
};

/// Largest body: a batch of operations as large as any is taken.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(super) async fn serve(
    listener: TcpListener,
    desk: Desk,
    client_address_header: Option<HeaderName>,
    stop: CancellationToken,
) -> io::Result<()> {
    let allowed = [header::CONTENT_TYPE, header::AUTHORIZATION]
        .into_iter()
        .chain(KEY_HEADERS.map(HeaderName::from_static))
        .chain([HeaderName::from_static(DEVICE_HEADER)]);
    // Any page may ask: what a key may cost is its policy's business, and no cookie counts here.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([http::Method::POST, http::Method::GET])
        .allow_headers(allowed.collect::<Vec<_>>());
    let router = Router::new()
        .route("/", post(answer))
        .route("/health", get(health))
        .route("/webhook-key", get(webhook_key))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(cors)
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .with_state(Window { desk, client_address_header });
    let _stop_the_rest = stop.clone().drop_guard();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn span<B>(request: &http::Request<B>) -> Span {
    let id = format!("req_{}", Uuid::now_v7().simple());
    let (method, path) = (request.method().as_str(), request.uri().path());
    ciro_telemetry::request_span(method, path, &id, request.headers())
}

#[derive(Clone)]
struct Window {
    desk: Desk,
    client_address_header: Option<HeaderName>,
}

async fn health(State(window): State<Window>) -> StatusCode {
    if requests::is_available(&window.desk).await {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// What questions to sponsors' servers are signed with: a list, so that one key can follow another. Empty where none is asked.
#[derive(Serialize)]
struct WebhookKeys {
    keys: Vec<String>,
}

async fn webhook_key(State(window): State<Window>) -> Json<WebhookKeys> {
    Json(WebhookKeys { keys: window.desk.webhook_keys() })
}

async fn answer(
    State(window): State<Window>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asking = Asking::read(&headers, peer.ip(), window.client_address_header.as_ref());
    let desk = &window.desk;
    match snip29::read_calls(&body) {
        Err(fault) => Json(Reply::new(Id::NONE, Err(fault))).into_response(),
        Ok((calls, is_batch)) => {
            let mut replies = Vec::with_capacity(calls.len());
            for call in calls {
                replies.extend(reply(desk, &asking, call).await);
            }
            match (is_batch, replies.pop()) {
                // Nothing but notifications.
                (_, None) => StatusCode::NO_CONTENT.into_response(),
                (false, Some(only)) => Json(only).into_response(),
                (true, Some(last)) => {
                    replies.push(last);
                    Json(replies).into_response()
                }
            }
        }
    }
}

async fn reply(desk: &Desk, asking: &Asking, call: Result<Call, MalformedCall>) -> Option<Reply> {
    let call = match call {
        Ok(call) => call,
        Err(MalformedCall { id, fault }) => return Some(Reply::new(id, Err(fault))),
    };
    let outcome = match Request::read(&call) {
        // A call of a batch is a request like any other.
        Ok(request) => match desk.admit(&asking.caller, kind(&request)) {
            Ok(_permit) => {
                let span = tracing::info_span!("call", method = call.method);
                answer_to(desk, asking, request).instrument(span).await
            }
            Err(fault) => Err(fault),
        },
        Err(fault) => Err(fault),
    };
    let known = Method::ALL.iter().map(|method| method.name()).find(|name| *name == call.method);
    let code = outcome.as_ref().map_or_else(|fault| fault.code.number(), |_| 0);
    // What is no method of ours is one value, whatever it says.
    observe::requested(known.unwrap_or("unknown"), code);
    if let Err(fault) = &outcome {
        tracing::info!(method = call.method, code = fault.code.number(), data = ?fault.data, "refused");
    }
    call.id.map(|id| Reply::new(id, outcome))
}

async fn answer_to(desk: &Desk, asking: &Asking, request: Request) -> Result<Value, Fault> {
    let kind = kind(&request);
    match request {
        // Who asks makes no difference to these, so a device whose token is over may follow what it has asked for.
        Request::IsAvailable | Request::Health => json(requests::is_available(desk).await),
        Request::GetSupportedTokens => json(requests::supported_tokens(desk)),
        Request::TrackingIdToLatestHash(id) => json(requests::track(desk, id).await?),
        Request::BuildTransaction(transaction, parameters) => {
            let caller = asking.known(desk, kind).await?;
            json(requests::build(desk, &caller, transaction, parameters).await?)
        }
        Request::ExecuteTransaction(transaction, parameters) => {
            let caller = asking.known(desk, kind).await?;
            json(requests::execute(desk, &caller, transaction, &parameters).await?)
        }
        Request::CanSponsor(transaction, parameters) => {
            let caller = asking.known(desk, kind).await?;
            json(requests::can_sponsor(desk, &caller, transaction, parameters).await?)
        }
        Request::ExecuteDirectTransaction(transaction, parameters) => {
            let caller = asking.known(desk, kind).await?;
            json(requests::execute_direct(desk, &caller, &transaction, &parameters).await?)
        }
        Request::AddExecuteOutsideTransaction(transaction) => {
            let caller = asking.known(desk, kind).await?;
            json(requests::execute_outside(desk, &caller, transaction).await?)
        }
    }
}

fn kind(request: &Request) -> Kind {
    match request {
        Request::IsAvailable | Request::Health => Kind::IsAvailable,
        Request::GetSupportedTokens => Kind::SupportedTokens,
        Request::TrackingIdToLatestHash(_) => Kind::Tracking,
        Request::BuildTransaction(..) | Request::CanSponsor(..) => Kind::Build,
        Request::ExecuteTransaction(..)
        | Request::ExecuteDirectTransaction(..)
        | Request::AddExecuteOutsideTransaction(_) => Kind::Execute,
    }
}

fn json(result: impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(result)
        .map_err(|error| Fault::new(FaultCode::InternalError, error.to_string()))
}
