//! Reads the gateways' keys when a token asks for it: seldom enough that no stranger can make us ask at will, and held for a while
//! when no gateway answers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ciro_api::limits;
use reqwest_tls::{Client, StatusCode, redirect::Policy};
use url::Url;

use super::{
    TokenError,
    key_set::{KeySet, KeySetError},
};
use crate::observe;

/// How old keys may be before they are read again: as long as a gateway itself may not know of a change.
const FRESH: Duration = Duration::from_millis(limits::TOKEN_KEYS_LAG_MS);
/// How long they count when they cannot be read again: as long as the last token that was signed with them lives. After that
/// nobody can have a good one, and whoever keeps us from the gateway gains no more than that.
const HELD: Duration = Duration::from_secs(limits::TOKEN_TTL_S);
/// How long nobody is asked after an answer, or after waiting for one in vain.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an answer may take: a request waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Largest answer. A key has some 150 bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Keys that were not read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("it did not answer")]
    Request(#[from] reqwest_tls::Error),
    #[error("it answered with {0}")]
    Status(StatusCode),
    #[error("its answer is larger than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    #[error("its answer is not usable")]
    Keys(#[from] KeySetError),
}

#[derive(Debug)]
pub(super) struct Keys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: Url,
    client: Client,
    state: Mutex<State>,
    /// One read at a time: whoever comes meanwhile uses its outcome.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Held {
    keys: Arc<KeySet>,
    as_of: Instant,
}

/// The last read: when it ended, and whether it came to anything.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    answered: bool,
}

/// What is known of the key that a token names.
enum View {
    /// The keys, with this one among them.
    Good(Arc<KeySet>),
    /// The same, and it is time to read them again.
    Old(Arc<KeySet>),
    /// The gateway has just said that there is no such key.
    Unknown,
    /// The gateway has just not answered.
    Away,
    /// Nothing; it is to be asked.
    Ask,
}

impl State {
    fn look(&self, key_id: &str, now: Instant) -> View {
        let since = |then: Instant| now.saturating_duration_since(then);
        let asked = self.asked.filter(|asked| since(asked.at) < PAUSE);
        let held = self.held.as_ref().filter(|held| since(held.as_of) < HELD);
        match (held, asked) {
            (Some(held), asked) if held.keys.has(key_id) => {
                let is_good = asked.is_some() || since(held.as_of) < FRESH;
                let keys = Arc::clone(&held.keys);
                if is_good { View::Good(keys) } else { View::Old(keys) }
            }
            (Some(_), Some(Asked { answered: true, .. })) => View::Unknown,
            (_, Some(_)) => View::Away,
            (_, None) => View::Ask,
        }
    }

    fn answered(&mut self, keys: KeySet, as_of: Instant) {
        // The same keys stay, with what was checked with them.
        let keys = match &self.held {
            Some(held) if held.keys.is_same(&keys) => Arc::clone(&held.keys),
            _ => {
                tracing::info!(?keys, "the gateway's keys of tokens were read");
                Arc::new(keys)
            }
        };
        self.held = Some(Held { keys, as_of });
    }
}

impl Keys {
    pub(super) fn new(url: Url) -> Result<Self, reqwest_tls::Error> {
        let client = Client::builder()
            .user_agent(concat!("ciro-paymaster/", env!("CARGO_PKG_VERSION")))
            // Whoever answers can speak for every device: nobody in between, and nowhere else.
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        let (state, turn) = (Mutex::default(), Arc::default());
        Ok(Self(Arc::new(Inner { url, client, state, turn })))
    }

    /// The keys, this one among them. Reads them where that is due.
    pub(super) async fn with(&self, key_id: &str, now: Instant) -> Result<Arc<KeySet>, TokenError> {
        let began = Instant::now();
        let turn = match self.0.look(key_id, now) {
            View::Good(keys) => return Ok(keys),
            View::Unknown => return Err(TokenError::Foreign),
            View::Away => return Err(TokenError::Unreachable),
            View::Ask => Arc::clone(&self.0.turn).lock_owned().await,
            View::Old(keys) => match Arc::clone(&self.0.turn).try_lock_owned() {
                Ok(turn) => turn,
                // Somebody reads them already. Until then these will do.
                Err(_) => return Ok(keys),
            },
        };
        let now = now + began.elapsed();
        // Whoever had the turn before us may have read what we want.
        if let View::Ask | View::Old(_) = self.0.look(key_id, now) {
            let inner = Arc::clone(&self.0);
            // A task of its own, which a client that goes away does not end: others wait for it.
            let reading = tokio::spawn(async move {
                inner.read(now).await;
                drop(turn);
            });
            if let Err(error) = reading.await {
                tracing::error!(%error, "reading the gateway's keys broke off");
            }
        }
        match self.0.look(key_id, now) {
            View::Good(keys) | View::Old(keys) => Ok(keys),
            View::Unknown => Err(TokenError::Foreign),
            View::Away | View::Ask => Err(TokenError::Unreachable),
        }
    }
}

impl Inner {
    fn look(&self, key_id: &str, now: Instant) -> View {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).look(key_id, now)
    }

    async fn read(&self, now: Instant) {
        let began = Instant::now();
        let read = self.fetch().await;
        observe::device_keys_read(read.is_ok());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked = Some(Asked { at: now + began.elapsed(), answered: read.is_ok() });
        match read {
            Ok(keys) => state.answered(keys, now),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the keys of devices' tokens were not read");
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, ReadError> {
        let mut reply = self.client.get(self.url.clone()).send().await?;
        if reply.status() != StatusCode::OK {
            return Err(ReadError::Status(reply.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await? {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(ReadError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(KeySet::parse(&body)?)
    }
}
