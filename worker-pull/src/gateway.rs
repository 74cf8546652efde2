//! The gateway over HTTP: one method per call, every reply bounded, every failure sorted.
//!
//! Decides nothing about jobs or money; believes nothing that it reads.

mod call_error;

use std::time::{Duration, Instant};

use ciro_api::{
    ErrorCode, ModelId, StatementId,
    manifest::MANIFEST_BYTES_MAX,
    rest::{
        devices::Token,
        leases::{
            FailReply, FailRequest, HeartbeatReply, HeartbeatRequest, LeaseReply, LeaseRequest,
            ReleaseReply, ReleaseRequest,
        },
        models::ModelList,
        results::{SubmitReply, SubmitResults},
        statements::{CountersignRequest, StatementDocument, StatementList, StatementPage},
        workers::{Challenge, ChallengeRequest, SessionRequest},
    },
};
use reqwest::{Client, Method, RequestBuilder, Response, header::RETRY_AFTER};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;
use url::Url;

pub(crate) use self::call_error::CallError;
use crate::{
    login::{Session, login},
    sign::Signer,
};

/// For calls that do not wait for anything to happen.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const ARTIFACT_TIMEOUT: Duration = Duration::from_mins(10);
/// Most replies are small; the catalogue of a large network is the largest of them.
const REPLY_BYTES_MAX: usize = 1024 * 1024;
/// 64 jobs with 64 KiB of input in base64, rounded up.
const LEASE_REPLY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// 10 statements with 1,000 receipts of about 200 bytes, rounded up.
const STATEMENTS_BYTES_MAX: usize = 4 * 1024 * 1024;
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

/// A gateway and the worker's session with it.
#[derive(Debug)]
pub(crate) struct Gateway {
    http: Client,
    base: String,
    signer: Signer,
    session: Mutex<Option<Session>>,
}

/// One request, before it is sent.
struct Call<'a, B: Serialize> {
    method: Method,
    path: &'a str,
    body: Option<&'a B>,
    timeout: Duration,
    reply_bytes_max: usize,
}

fn post<'a, B: Serialize>(path: &'a str, body: &'a B) -> Call<'a, B> {
    let (timeout, reply_bytes_max) = (CALL_TIMEOUT, REPLY_BYTES_MAX);
    Call { method: Method::POST, path, body: Some(body), timeout, reply_bytes_max }
}

fn get(path: &str) -> Call<'_, ()> {
    let (timeout, reply_bytes_max) = (CALL_TIMEOUT, REPLY_BYTES_MAX);
    Call { method: Method::GET, path, body: None, timeout, reply_bytes_max }
}

impl Gateway {
    pub(crate) fn new(base: &Url, signer: Signer) -> Result<Self, CallError> {
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base, signer, session: Mutex::new(None) })
    }

    pub(crate) async fn challenge(&self, ask: &ChallengeRequest) -> Result<Challenge, CallError> {
        json(&self.send(&post("/v1/workers/challenge", ask), None).await?)
    }

    pub(crate) async fn session(&self, ask: &SessionRequest) -> Result<Token, CallError> {
        json(&self.send(&post("/v1/workers/session", ask), None).await?)
    }

    /// Opens a session if there is none worth keeping.
    pub(crate) async fn log_in(&self) -> Result<(), CallError> {
        self.token().await.map(|_| ())
    }

    pub(crate) async fn models(&self) -> Result<ModelList, CallError> {
        json(&self.authorized(get("/v1/models")).await?)
    }

    pub(crate) async fn manifest(&self, id: ModelId) -> Result<Vec<u8>, CallError> {
        let path = format!("/v1/models/{id}/manifest");
        self.authorized(Call { reply_bytes_max: MANIFEST_BYTES_MAX, ..get(&path) }).await
    }

    pub(crate) async fn artifact(
        &self,
        id: ModelId,
        bytes_max: usize,
    ) -> Result<Vec<u8>, CallError> {
        let path = format!("/v1/models/{id}/artifact");
        let call = get(&path);
        self.authorized(Call { timeout: ARTIFACT_TIMEOUT, reply_bytes_max: bytes_max, ..call })
            .await
    }

    pub(crate) async fn lease(&self, ask: &LeaseRequest) -> Result<LeaseReply, CallError> {
        let timeout = CALL_TIMEOUT + Duration::from_millis(ask.wait_ms);
        let reply_bytes_max = LEASE_REPLY_BYTES_MAX;
        json(&self.authorized(Call { timeout, reply_bytes_max, ..post("/v1/leases", ask) }).await?)
    }

    pub(crate) async fn heartbeat(
        &self,
        ask: &HeartbeatRequest,
    ) -> Result<HeartbeatReply, CallError> {
        json(&self.authorized(post("/v1/leases/heartbeat", ask)).await?)
    }

    pub(crate) async fn fail(&self, ask: &FailRequest) -> Result<FailReply, CallError> {
        json(&self.authorized(post("/v1/leases/fail", ask)).await?)
    }

    pub(crate) async fn release(&self, ask: &ReleaseRequest) -> Result<ReleaseReply, CallError> {
        json(&self.authorized(post("/v1/leases/release", ask)).await?)
    }

    pub(crate) async fn submit(&self, ask: &SubmitResults) -> Result<SubmitReply, CallError> {
        json(&self.authorized(post("/v1/results", ask)).await?)
    }

    pub(crate) async fn pending_statements(
        &self,
        wait_ms: u64,
    ) -> Result<StatementList, CallError> {
        let path = format!("/v1/statements/pending?wait_ms={wait_ms}");
        let timeout = CALL_TIMEOUT + Duration::from_millis(wait_ms);
        let reply_bytes_max = STATEMENTS_BYTES_MAX;
        json(&self.authorized(Call { timeout, reply_bytes_max, ..get(&path) }).await?)
    }

    /// The next page of this worker's statements that are neither settled nor voided.
    pub(crate) async fn unsettled_statements(
        &self,
        after: Option<StatementId>,
    ) -> Result<StatementPage, CallError> {
        let after = after.map(|id| format!("&after={id}")).unwrap_or_default();
        let path = format!("/v1/statements?status=unsettled{after}");
        let reply_bytes_max = STATEMENTS_BYTES_MAX;
        json(&self.authorized(Call { reply_bytes_max, ..get(&path) }).await?)
    }

    /// This worker's statement with this id; nothing when the gateway has none.
    pub(crate) async fn statement(
        &self,
        id: StatementId,
    ) -> Result<Option<StatementDocument>, CallError> {
        let path = format!("/v1/statements/{id}");
        let reply_bytes_max = STATEMENTS_BYTES_MAX;
        match self.authorized(Call { reply_bytes_max, ..get(&path) }).await {
            Ok(body) => json(&body).map(Some),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn countersign(
        &self,
        id: StatementId,
        ask: &CountersignRequest,
    ) -> Result<(), CallError> {
        let path = format!("/v1/statements/{id}/countersign");
        let call = Call { reply_bytes_max: STATEMENTS_BYTES_MAX, ..post(&path, ask) };
        self.authorized(call).await.map(|_| ())
    }

    /// Sends with the session's token; logs in anew, once, when the gateway no longer knows it.
    async fn authorized<B: Serialize>(&self, call: Call<'_, B>) -> Result<Vec<u8>, CallError> {
        let token = self.token().await?;
        match self.send(&call, Some(&token)).await {
            Err(error) if error.is_about_the_session() => {
                self.forget(&token).await;
                let token = self.token().await?;
                self.send(&call, Some(&token)).await
            }
            other => other,
        }
    }

    async fn token(&self) -> Result<String, CallError> {
        // Held across the login on purpose: all who wait want the same new session.
        let mut session = self.session.lock().await;
        let now = Instant::now();
        if let Some(known) = session.as_ref().filter(|known| known.is_fresh(now)) {
            return Ok(known.token().to_owned());
        }
        match login(self, &self.signer).await {
            Ok(new) => Ok(session.insert(new).token().to_owned()),
            Err(error) => {
                let still = session.as_ref().filter(|known| known.is_valid(now));
                still.map(|known| known.token().to_owned()).ok_or(error)
            }
        }
    }

    async fn forget(&self, token: &str) {
        let mut session = self.session.lock().await;
        if session.as_ref().is_some_and(|known| known.token() == token) {
            *session = None;
        }
    }

    async fn send<B: Serialize>(
        &self,
        call: &Call<'_, B>,
        token: Option<&str>,
    ) -> Result<Vec<u8>, CallError> {
        let url = format!("{}{}", self.base, call.path);
        let request = self.http.request(call.method.clone(), url).timeout(call.timeout);
        let request = call.body.into_iter().fold(request, RequestBuilder::json);
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
        // Which of our spans calls, for a gateway that is traced too.
        let here = ciro_telemetry::current().map(|here| here.to_string());
        let request =
            here.into_iter().fold(request, |request, here| request.header("traceparent", here));
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return read(response, call.reply_bytes_max).await;
        }
        let seconds =
            response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        let body = read(response, PROBLEM_BYTES_MAX).await.unwrap_or_default();
        let problem = serde_json::from_slice(&body).ok().map(Box::new);
        Err(CallError::Refused { status: status.as_u16(), problem, retry_after })
    }
}

/// Reads a body, but never more than the bound: a length header is a promise, not a fact.
async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Err(CallError::TooLarge { bytes_max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| CallError::BadReply(error.to_string()))
}
