//! Calls a receiver: the connection goes to exactly the address that was checked, no redirect is followed, and no more
//! is read than it takes to know the status.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use ciro_api::limits;
use reqwest_tls::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::{address::is_public, destination};

/// A host that takes longer to connect to is as good as away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the receiver's host said.
#[derive(Debug)]
pub(super) enum Answer {
    /// 2xx.
    Taken,
    /// 410: it wants no more, ever.
    Gone,
    /// Anything else.
    Refused { status: u16, retry_after: Option<Duration> },
}

/// Nobody answered, or nobody was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// The address may not be called. No later try will do better.
    #[error("the address may not be called: {0}")]
    Unusable(#[from] destination::Unusable),
    /// Its name means no address that may be called.
    #[error("the host has no public address")]
    Private,
    #[error("no answer within {} s", limits::WEBHOOK_TIMEOUT_MS / 1_000)]
    TimedOut,
    #[error("no connection could be made")]
    Connect,
    #[error("the connection broke")]
    Broken,
}

/// Looks names up, and forgets every address that may not be called.
struct PublicOnly;

#[derive(Debug, thiserror::Error)]
#[error("no public address")]
struct NoPublicAddress;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the caller's; 0 stands for it.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_public(found.ip())).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            Ok::<Addrs, _>(Box::new(public.into_iter()))
        })
    }
}

/// What makes the calls.
#[derive(Clone, Debug)]
pub(super) struct Poster {
    client: Client,
    allow_private: bool,
}

impl Poster {
    pub(super) fn new(allow_private: bool) -> Result<Self, reqwest_tls::Error> {
        let client = Client::builder()
            .user_agent(concat!("ciro-gateway/", env!("CARGO_PKG_VERSION")))
            // A proxy would look names up by itself.
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_millis(limits::WEBHOOK_TIMEOUT_MS))
            // Receivers are many and seldom called.
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(CONNECT_TIMEOUT);
        let client = if allow_private { client } else { client.dns_resolver(Arc::new(PublicOnly)) };
        Ok(Self { client: client.build()?, allow_private })
    }

    /// Calls the receiver once.
    pub(super) async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, PostError> {
        let url = destination::check(url, self.allow_private)?;
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| sort(&error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        drain(response).await;
        Ok(match status {
            status if status.is_success() => Answer::Taken,
            StatusCode::GONE => Answer::Gone,
            status => Answer::Refused { status: status.as_u16(), retry_after },
        })
    }
}

fn sort(error: &reqwest_tls::Error) -> PostError {
    if found_nothing_public(error) {
        PostError::Private
    } else if error.is_timeout() {
        PostError::TimedOut
    } else if error.is_connect() {
        PostError::Connect
    } else {
        PostError::Broken
    }
}

/// Whether our resolver refused: the client wraps what it said.
fn found_nothing_public(error: &reqwest_tls::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NoPublicAddress>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Reads a little, so that the connection can serve again. What does not end soon is closed with it.
async fn drain(mut response: Response) {
    let mut left = limits::WEBHOOK_REPLY_BYTES_MAX;
    while let Ok(Some(chunk)) = response.chunk().await {
        let Some(less) = left.checked_sub(chunk.len()) else { return };
        left = less;
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()?;
    (date - OffsetDateTime::now_utc()).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn a_receiver_asks_for_time_in_seconds_or_by_a_date() {
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert!(asked("Fri, 31 Dec 2999 23:59:59 GMT").unwrap() > Duration::from_hours(24));
        assert_eq!(asked("Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(asked("soon"), None);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_called() {
        let poster = Poster::new(false).unwrap();
        let called = poster.post("https://localhost/", HeaderMap::new(), Vec::new()).await;
        assert!(matches!(called, Err(PostError::Private)), "{called:?}");
    }
}
