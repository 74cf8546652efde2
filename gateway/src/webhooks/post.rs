//! Calls a receiver: the connection goes to exactly the address that was checked, no redirect is followed, and no more
//! is read than it takes to know the status.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use ciro_api::limits;
use reqwest_tls::{
    Certificate, Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::{address::is_public, certificate::BadCertificate, destination};

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
    /// Who answers cannot show that it is the receiver.
    #[error("the receiver's certificate is {0}")]
    Certificate(BadCertificate),
    #[error("no connection could be made")]
    Connect,
    #[error("the connection broke")]
    Broken,
}

/// Looks names up as this machine does.
struct OfMachine;

impl Resolve for OfMachine {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the caller's; 0 stands for it.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

/// Forgets every address that may not be called. The client connects to what is left and asks nobody else, so a name that
/// means another address a moment later gains nothing by it.
struct PublicOnly<R>(R);

#[derive(Debug, thiserror::Error)]
#[error("no public address")]
struct NoPublicAddress;

impl<R: Resolve> Resolve for PublicOnly<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.resolve(name);
        Box::pin(async move {
            let found = found.await?;
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
pub(crate) struct Poster {
    client: Client,
    allow_private: bool,
}

impl Poster {
    /// Trusts `authorities` beside the machine's own.
    pub(crate) fn new(
        allow_private: bool,
        authorities: Vec<Certificate>,
    ) -> Result<Self, reqwest_tls::Error> {
        if allow_private {
            Self::with_names(OfMachine, true, authorities)
        } else {
            Self::with_names(PublicOnly(OfMachine), false, authorities)
        }
    }

    fn with_names(
        names: impl Resolve + 'static,
        allow_private: bool,
        authorities: Vec<Certificate>,
    ) -> Result<Self, reqwest_tls::Error> {
        let client = Client::builder()
            .dns_resolver(Arc::new(names))
            .tls_certs_merge(authorities)
            .user_agent(concat!("ciro-gateway/", env!("CARGO_PKG_VERSION")))
            // A proxy would look names up by itself.
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Duration::from_millis(limits::WEBHOOK_TIMEOUT_MS))
            // Receivers are many and seldom called.
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(CONNECT_TIMEOUT);
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
    } else if let Some(bad) = BadCertificate::behind(error) {
        PostError::Certificate(bad)
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
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::net::TcpListener;

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
        let poster = Poster::new(false, Vec::new()).unwrap();
        let called = poster.post("https://localhost/", HeaderMap::new(), Vec::new()).await;
        assert!(matches!(called, Err(PostError::Private)), "{called:?}");
    }

    /// A name server that its owner turned against us: it gives the next answer each time, and the last one for ever.
    #[derive(Clone)]
    struct Hostile(Arc<Mutex<Vec<Vec<SocketAddr>>>>);

    impl Hostile {
        fn new(answers: &[&[SocketAddr]]) -> Self {
            Self(Arc::new(Mutex::new(answers.iter().rev().map(|one| one.to_vec()).collect())))
        }
    }

    impl Resolve for Hostile {
        fn resolve(&self, _: Name) -> Resolving {
            let mut left = self.0.lock().unwrap();
            let answer = if left.len() > 1 { left.pop() } else { left.last().cloned() };
            let answer = answer.unwrap();
            Box::pin(async move { Ok::<Addrs, _>(Box::new(answer.into_iter())) })
        }
    }

    /// A place on this machine that counts who comes.
    async fn private_place() -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, calls) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&calls);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        });
        (address, calls)
    }

    async fn call(names: impl Resolve + 'static) -> Result<Answer, PostError> {
        let poster = Poster::with_names(names, false, Vec::new()).unwrap();
        poster.post("https://game.example/", HeaderMap::new(), Vec::new()).await
    }

    async fn addresses(names: &impl Resolve) -> Option<Vec<SocketAddr>> {
        let found = names.resolve("game.example".parse().unwrap()).await;
        found.ok().map(Iterator::collect)
    }

    #[tokio::test]
    async fn a_name_that_means_a_private_address_when_it_is_called_is_not_called() {
        let (private, calls) = private_place().await;
        let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", private.port()).parse().unwrap();
        for answer in [vec![private], vec![mapped], vec![mapped, private], vec![]] {
            let called = call(PublicOnly(Hostile::new(&[&answer]))).await;
            assert!(matches!(called, Err(PostError::Private)), "{answer:?}: {called:?}");
        }
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        // The same without the filter gets there, so it is the filter that stands between.
        let called = call(Hostile::new(&[&[private]])).await;
        assert!(called.is_err(), "nobody speaks TLS there: {called:?}");
        assert!(calls.load(Ordering::SeqCst) > 0);
    }

    #[tokio::test]
    async fn a_name_is_judged_anew_by_each_look_and_only_its_public_addresses_are_left() {
        let (private, calls) = private_place().await;
        let public: SocketAddr = "8.8.8.8:443".parse().unwrap();
        let rebinding = Hostile::new(&[&[public], &[private]]);
        let names = PublicOnly(rebinding.clone());
        assert_eq!(addresses(&names).await, Some(vec![public]), "checked, and found public");
        // The second look is the client's own: what the first one found is worth nothing by then.
        let called = call(names).await;
        assert!(matches!(called, Err(PostError::Private)), "{called:?}");
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        let mixed = PublicOnly(Hostile::new(&[&[private, public, "[::1]:443".parse().unwrap()]]));
        assert_eq!(addresses(&mixed).await, Some(vec![public]));
    }
}
