//! A gateway as far as the paymaster sees it: it publishes keys, has given tokens that they sign, and is away when it is told.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{DeviceId, SponsorId, limits};
use ciro_paymaster::devices::Issuer;
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use url::Url;
use uuid::Uuid;

/// The name that its tokens carry.
pub(crate) const ISSUER: &str = "the-gateway";

/// A key of a gateway, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenKey(pub(crate) u8);

impl TokenKey {
    fn signing(self) -> SigningKey {
        SigningKey::from_bytes(&[self.0; 32])
    }

    /// The name that it is published under.
    pub(crate) fn id(self) -> String {
        format!("key-{}", self.0)
    }

    /// Its public half, as published.
    pub(crate) fn x(self) -> String {
        URL_SAFE_NO_PAD.encode(self.signing().verifying_key().to_bytes())
    }

    /// Signs, under the name of a key that may be another one.
    pub(crate) fn sign_as(self, named: Self, claims: &Value) -> String {
        let pem = self.signing().to_pkcs8_pem(LineEnding::LF).unwrap();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(named.id());
        encode(&header, claims, &EncodingKey::from_ed_pem(pem.as_bytes()).unwrap()).unwrap()
    }

    /// A good token.
    pub(crate) fn token(self, device: DeviceId, sponsor: SponsorId) -> String {
        self.sign_as(self, &claims(device, sponsor))
    }
}

/// What a good token says.
pub(crate) fn claims(device: DeviceId, sponsor: SponsorId) -> Value {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    json!({
        "iss": ISSUER, "aud": "ciro", "sub": device, "role": "device", "sponsor": sponsor,
        "iat": now, "exp": now.saturating_add_unsigned(limits::TOKEN_TTL_S),
    })
}

/// Some device.
pub(crate) fn device(number: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(number))
}

/// How it answers who asks for its keys.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// With these.
    Keys(Vec<TokenKey>),
    /// With these, once it is told to.
    WhenTold(Vec<TokenKey>),
    /// With this and nothing else.
    Text(String),
    /// That it cannot now.
    Away,
    /// That they are elsewhere.
    Elsewhere,
    /// Not at all.
    Silence,
}

struct Shared {
    answer: Mutex<Answer>,
    reads: AtomicUsize,
    asked: Notify,
    told: Notify,
}

pub(crate) struct Gateway {
    pub(crate) jwks_url: Url,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Gateway {
    pub(crate) async fn start(answer: Answer) -> Self {
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            reads: AtomicUsize::new(0),
            asked: Notify::new(),
            told: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let jwks_url = format!("http://{address}/.well-known/jwks.json").parse().unwrap();
        let router = Router::new()
            .route("/.well-known/jwks.json", get(published))
            .route("/elsewhere", get(|| async { Json(set(&[TokenKey(1)])) }))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { jwks_url, shared, server }
    }

    pub(crate) fn issuer(&self) -> Issuer {
        Issuer { name: ISSUER.to_owned(), jwks_url: self.jwks_url.clone() }
    }

    /// The settings of a paymaster that knows it.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CIRO_DEVICE_JWKS_URL", self.jwks_url.to_string()),
            ("CIRO_DEVICE_ISSUER", ISSUER.to_owned()),
        ]
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// How often its keys were asked for.
    pub(crate) fn reads(&self) -> usize {
        self.shared.reads.load(Ordering::SeqCst)
    }

    /// Until it was asked so often.
    pub(crate) async fn asked(&self, times: usize) {
        while self.reads() < times {
            self.shared.asked.notified().await;
        }
    }

    /// Has it answer who waits.
    pub(crate) fn tell(&self) {
        self.shared.told.notify_one();
    }
}

fn set(keys: &[TokenKey]) -> Value {
    let key = |key: &TokenKey| {
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id(), "x": key.x(),
        })
    };
    json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() })
}

async fn published(State(shared): State<Arc<Shared>>) -> Response {
    shared.reads.fetch_add(1, Ordering::SeqCst);
    shared.asked.notify_one();
    let answer = shared.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match answer {
        Answer::Keys(keys) => Json(set(&keys)).into_response(),
        Answer::WhenTold(keys) => {
            shared.told.notified().await;
            Json(set(&keys)).into_response()
        }
        Answer::Text(text) => text.into_response(),
        Answer::Away => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Answer::Elsewhere => {
            (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response()
        }
        Answer::Silence => std::future::pending().await,
    }
}
