//! Rules that ask: the sponsor's own server is told what the decision is about, signed by the paymaster, and its word decides.
//!
//! Nothing is remembered: each decision asks for itself. Nothing of the database is held meanwhile, because servers may be slow.

mod answer;
mod key;
mod places;
mod question;

use std::time::Duration;

use axum::http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_TYPE, InvalidHeaderValue},
};
use ciro_api::QuestionId;
use ciro_egress::{Authorities, Call, ClientError, Poster};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{observe, policy::Webhook};

pub use answer::{Answer, Failure};
pub use key::{KeyError, WebhookKey};
use places::Places;
pub use places::{Crowded, PLACES};
pub use question::{Phase, Question};

/// What sponsors' servers are told that we are.
const USER_AGENT: &str = concat!("ciro-paymaster/", env!("CARGO_PKG_VERSION"));
/// What is read of an answer, in bytes: a word and a reason take a few hundred.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What it takes to ask.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Signs what is asked.
    pub key: WebhookKey,
    /// Who may certify sponsors' servers, beside those that this machine trusts.
    pub authorities: Authorities,
    /// For development: servers may be at private addresses and on any port.
    pub allow_private: bool,
}

/// What asks. One for the whole process.
#[derive(Debug)]
pub struct Asker {
    poster: Poster,
    key: WebhookKey,
    places: Places,
}

/// A question that was not asked. It says nothing about the sponsor's server.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Too many are.
    #[error(transparent)]
    Crowded(#[from] Crowded),
    /// A fault of ours.
    #[error("a question to a sponsor's server cannot be written as JSON")]
    Body(#[from] serde_json::Error),
    /// A fault of ours.
    #[error("a question to a sponsor's server cannot be signed")]
    Header(#[from] InvalidHeaderValue),
}

impl Asker {
    /// Asks nobody yet.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let Settings { key, authorities, allow_private } = settings;
        let poster = Poster::new(USER_AGENT, allow_private, authorities)?;
        Ok(Self { poster, key, places: Places::default() })
    }

    /// The key that its signatures are checked with, as Standard Webhooks writes it.
    pub fn public_key(&self) -> String {
        self.key.public_text()
    }

    /// Asks once. Whatever is not clearly a word of the server is a failure, and the rule says what that means.
    pub async fn ask(
        &self,
        webhook: &Webhook,
        question: &Question<'_>,
    ) -> Result<Answer, AskError> {
        let _place = self.places.take(question.sponsor)?;
        let body = question.body()?;
        let call = Call {
            url: webhook.url.as_str(),
            headers: self.headers(&body)?,
            body,
            timeout: Duration::from_millis(webhook.timeout_ms.into()),
            reply_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = match self.poster.post(call).await {
            Ok(reply) => answer::read(reply),
            Err(error) => Answer::Failed(Failure::Post(error)),
        };
        observe::asked(answer.outcome());
        Ok(answer)
    }

    fn headers(&self, body: &[u8]) -> Result<HeaderMap, InvalidHeaderValue> {
        let id = QuestionId(Uuid::now_v7());
        let sent_s = OffsetDateTime::now_utc().unix_timestamp();
        let signature = self.key.sign(id, sent_s, body);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("webhook-id", HeaderValue::try_from(id.to_string())?);
        headers.insert("webhook-timestamp", HeaderValue::from(sent_s));
        headers.insert("webhook-signature", HeaderValue::try_from(signature)?);
        Ok(headers)
    }
}
