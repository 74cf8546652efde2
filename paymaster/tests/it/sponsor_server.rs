//! A sponsor's own server, behind TLS, as somebody who trusts nobody would write it: it checks signatures by itself.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    serve::Listener,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ciro_egress::Authorities;
use ciro_paymaster::ask::{Settings, WebhookKey};
use ed25519_dalek::{
    Signature, SigningKey, Verifier, VerifyingKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};
use rand::RngCore;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer, version::TLS13},
    server::TlsStream,
};

/// Long enough for a machine that compiles beside us.
const PATIENCE: Duration = Duration::from_mins(1);

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    Says(u16, String),
    SendsTo(String),
    /// Says this once it is told to.
    Holds(String),
    Never,
}

pub(crate) fn allows() -> Manner {
    Manner::Says(200, r#"{"decision":"allow"}"#.to_owned())
}

pub(crate) fn denies(reason: &str) -> Manner {
    let body = serde_json::json!({ "decision": "deny", "reason": reason });
    Manner::Says(200, body.to_string())
}

/// A question as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the owner of this public key has signed `body` under the headers that came.
    pub(crate) fn is_signed(&self, public: &str, body: &[u8]) -> bool {
        let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
        let given = self.header("webhook-signature").strip_prefix("v1a,").unwrap();
        let signature = Signature::from_slice(&STANDARD.decode(given).unwrap()).unwrap();
        let signed = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"));
        public.verify(&[signed.as_bytes(), body].concat(), &signature).is_ok()
    }
}

#[derive(Clone)]
struct Desk {
    manner: Arc<Mutex<Manner>>,
    asked: watch::Sender<Vec<Asked>>,
    released: watch::Sender<()>,
}

pub(crate) struct SponsorServer {
    pub(crate) port: u16,
    desk: Desk,
    serving: JoinHandle<()>,
    dir: TempDir,
    key: String,
}

impl Drop for SponsorServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl SponsorServer {
    /// One that allows everything until it is told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let authority = authority(port);
        let listener = TlsListener { acceptor: acceptor(&authority), listener };
        let desk = Desk {
            manner: Arc::new(Mutex::new(allows())),
            asked: watch::Sender::default(),
            released: watch::Sender::new(()),
        };
        let router = Router::new().fallback(answer).with_state(desk.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        let key = SigningKey::from_bytes(&seed).to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("authority.pem"), authority.pem()).unwrap();
        fs::write(dir.path().join("key.pem"), &key).unwrap();
        fs::set_permissions(dir.path().join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
        Self { port, desk, serving, dir, key }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/ask", self.port)
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// What a program needs that asks it.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CIRO_POLICY_WEBHOOK_KEY_FILE", self.file("key.pem")),
            ("CIRO_WEBHOOK_CA_FILE", self.file("authority.pem")),
            ("CIRO_WEBHOOK_ALLOW_PRIVATE", "true".to_owned()),
        ]
    }

    /// The same, for one without a program around it.
    pub(crate) fn settings(&self) -> Settings {
        let key = WebhookKey::from_pem(&self.key).unwrap();
        let authorities = Authorities::read(self.file("authority.pem").as_ref()).unwrap();
        Settings { key, authorities, allow_private: true }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.desk.manner.lock().unwrap() = manner;
    }

    /// Lets those go that it holds now.
    pub(crate) fn release(&self) {
        self.desk.released.send_replace(());
    }

    pub(crate) fn count(&self) -> usize {
        self.desk.asked.borrow().len()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.desk.asked.borrow().clone()
    }

    /// Once it was asked so often.
    pub(crate) async fn until_asked(&self, count: usize) {
        let mut asked = self.desk.asked.subscribe();
        let enough = asked.wait_for(|asked| asked.len() >= count);
        let waited = tokio::time::timeout(PATIENCE, enough).await;
        assert!(waited.is_ok(), "it was asked {} times, not {count}", self.count());
    }
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    let manner = desk.manner.lock().unwrap().clone();
    // From before anybody can know that it was asked.
    let mut released = desk.released.subscribe();
    desk.asked.send_modify(|asked| asked.push(Asked { headers, body }));
    let with = |status: u16, body| (StatusCode::from_u16(status).unwrap(), body).into_response();
    match manner {
        Manner::Says(status, body) => with(status, body),
        Manner::SendsTo(url) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response()
        }
        Manner::Holds(body) => {
            released.changed().await.unwrap();
            with(200, body)
        }
        Manner::Never => std::future::pending().await,
    }
}

fn authority(number: u16) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, format!("authority {number}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn acceptor(authority: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // Whoever does not believe the certificate breaks off; the next one may.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
