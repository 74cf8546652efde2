//! SNIP-29 over HTTP: `POST /`, for wallets and apps, also out of browsers.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

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

use crate::{
    admission::Kind,
    observe,
    requests::{self, Caller, Desk},
    snip29::{self, Call, Fault, FaultCode, Id, MalformedCall, Method, Reply, Request},
};

/// Largest body: a batch of operations as large as any is taken.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Where a sponsorship key comes: as SNIP-29's clients send it, and as older ones do.
const KEY_HEADERS: [&str; 2] = ["x-paymaster-api-key", "api-key"];

pub(super) async fn serve(
    listener: TcpListener,
    desk: Desk,
    client_address_header: Option<HeaderName>,
    stop: CancellationToken,
) -> io::Result<()> {
    let allowed = [header::CONTENT_TYPE, header::AUTHORIZATION]
        .into_iter()
        .chain(KEY_HEADERS.map(HeaderName::from_static));
    // Any page may ask: what a key may cost is its policy's business, and no cookie counts here.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([http::Method::POST, http::Method::GET])
        .allow_headers(allowed.collect::<Vec<_>>());
    let router = Router::new()
        .route("/", post(answer))
        .route("/health", get(health))
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

async fn answer(
    State(window): State<Window>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let from = client_address(&headers, window.client_address_header.as_ref());
    let caller = caller(&headers, from.unwrap_or_else(|| peer.ip()));
    let desk = &window.desk;
    match snip29::read_calls(&body) {
        Err(fault) => Json(Reply::new(Id::NONE, Err(fault))).into_response(),
        Ok((calls, is_batch)) => {
            let mut replies = Vec::with_capacity(calls.len());
            for call in calls {
                replies.extend(reply(desk, &caller, call).await);
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

/// What our own proxy has added: the last address in its header. Those before it came from outside, so anybody may have written
/// them.
fn client_address(headers: &HeaderMap, header: Option<&HeaderName>) -> Option<IpAddr> {
    let last = headers.get_all(header?).iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

fn caller(headers: &HeaderMap, from: IpAddr) -> Caller {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let key = KEY_HEADERS.iter().find_map(|name| text(name)).or_else(bearer);
    Caller {
        key: key.map(str::to_owned),
        device: None,
        from: Some(from),
        origin: text("origin").map(str::to_owned),
        trace: ciro_telemetry::trace_here(headers),
    }
}

async fn reply(desk: &Desk, caller: &Caller, call: Result<Call, MalformedCall>) -> Option<Reply> {
    let call = match call {
        Ok(call) => call,
        Err(MalformedCall { id, fault }) => return Some(Reply::new(id, Err(fault))),
    };
    let outcome = match Request::read(&call) {
        // A call of a batch is a request like any other.
        Ok(request) => match desk.admit(caller, kind(&request)) {
            Ok(_permit) => {
                let span = tracing::info_span!("call", method = call.method);
                answer_to(desk, caller, request).instrument(span).await
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

async fn answer_to(desk: &Desk, caller: &Caller, request: Request) -> Result<Value, Fault> {
    match request {
        Request::IsAvailable | Request::Health => json(requests::is_available(desk).await),
        Request::GetSupportedTokens => json(requests::supported_tokens(desk)),
        Request::TrackingIdToLatestHash(id) => json(requests::track(desk, id).await?),
        Request::BuildTransaction(transaction, parameters) => {
            json(requests::build(desk, caller, transaction, parameters).await?)
        }
        Request::ExecuteTransaction(transaction, parameters) => {
            json(requests::execute(desk, caller, transaction, &parameters).await?)
        }
        Request::CanSponsor(transaction, parameters) => {
            json(requests::can_sponsor(desk, caller, transaction, parameters).await?)
        }
        Request::ExecuteDirectTransaction(transaction, parameters) => {
            json(requests::execute_direct(desk, caller, &transaction, &parameters).await?)
        }
        Request::AddExecuteOutsideTransaction(transaction) => {
            json(requests::execute_outside(desk, caller, transaction).await?)
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
