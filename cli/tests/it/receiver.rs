//! A receiver of webhooks, as somebody who trusts nobody would write it: it computes signatures by itself.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    serve::Listener,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::tls::{Certified, TlsListener};

/// Long enough for a machine that compiles beside us.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What the header should be under this secret, for one signature.
    pub(crate) fn signature_under(&self, secret: &str) -> String {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"));
        let text = [signed.as_bytes(), self.body.as_ref()].concat();
        format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &text)))
    }
}

/// RFC 2104, for keys of at most one block.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> {
        (0..64).map(|place| key.get(place).copied().unwrap_or(0) ^ pad).collect()
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

/// How a path answers.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    Says(StatusCode),
    /// The first so many times one thing, then another.
    First(usize, Box<Manner>, Box<Manner>),
    SendsTo(String),
    Never,
}

#[derive(Clone)]
struct Desk {
    manners: Arc<Mutex<HashMap<String, Manner>>>,
    received: watch::Sender<Vec<Received>>,
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    desk: Desk,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Answers 204 on every path that was told no other manner.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener.local_addr().unwrap().port(), listener)
    }

    /// The same behind TLS, with such a certificate.
    pub(crate) async fn start_with(certified: Certified) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener.local_addr().unwrap().port(), TlsListener::new(listener, certified))
    }

    fn serve<L: Listener<Addr: Debug>>(port: u16, listener: L) -> Self {
        let desk = Desk { manners: Arc::default(), received: watch::Sender::default() };
        let router = Router::new().fallback(receive).with_state(desk.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, desk, serving }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn behave(&self, path: &str, manner: Manner) {
        self.desk.manners.lock().unwrap().insert(path.to_owned(), manner);
    }

    /// What came on a path, once so much of it came.
    pub(crate) async fn until(&self, path: &str, count: usize) -> Vec<Received> {
        let of_path = |all: &[Received]| -> Vec<Received> {
            all.iter().filter(|one| one.path == path).cloned().collect()
        };
        let mut received = self.desk.received.subscribe();
        let deadline = Instant::now() + PATIENCE;
        let enough = received.wait_for(|all| of_path(all).len() >= count);
        match timeout_at(deadline, enough).await {
            Ok(all) => of_path(&all.unwrap()),
            Err(late) => {
                panic!("{path} was called {} times, not {count}: {late}", self.count(path))
            }
        }
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.desk.received.borrow().iter().filter(|one| one.path == path).count()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let mut before = 0;
    desk.received.send_modify(|all| {
        before = all.iter().filter(|one| one.path == path).count();
        all.push(Received { path: path.clone(), headers, body });
    });
    let manner = desk.manners.lock().unwrap().get(&path).cloned();
    answer(manner.unwrap_or(Manner::Says(StatusCode::NO_CONTENT)), before).await
}

async fn answer(manner: Manner, before: usize) -> Response {
    let mut manner = manner;
    while let Manner::First(times, first, then) = manner {
        manner = if before < times { *first } else { *then };
    }
    match manner {
        Manner::Says(status) => status.into_response(),
        Manner::SendsTo(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        Manner::Never | Manner::First(..) => std::future::pending().await,
    }
}
