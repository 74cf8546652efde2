//! Calls a server: the connection goes to exactly the address that was checked, no redirect is followed, and no more is read
//! than the caller said.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use reqwest_tls::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    address::is_public, certificate::BadCertificate, destination, seconds::Readable,
    trust::Authorities,
};

/// A host that takes longer to connect to is as good as away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// To where.
    pub url: &'a str,
    /// With these headers beside the client's own.
    pub headers: HeaderMap,
    /// And this body.
    pub body: Vec<u8>,
    /// How long all of it may take, the reading of the answer included.
    pub timeout: Duration,
    /// How much of the answer's body is read, in bytes.
    pub reply_bytes_max: usize,
}

/// What the server said.
#[derive(Debug)]
pub struct Reply {
    /// Any status, those of redirects too.
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
    /// All of the answer's body, or why there is not all of it.
    pub body: Result<Vec<u8>, PostError>,
}

/// Nobody answered, or nobody was asked.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The address may not be called. No later try will do better.
    #[error("the address may not be called: {0}")]
    Unusable(#[from] destination::Unusable),
    /// Its name means no address that may be called.
    #[error("the host has no public address")]
    Private,
    /// Not all of an answer came in time.
    #[error("no answer within {}", Readable(*.0))]
    TimedOut(Duration),
    /// Who answers cannot show that it is the receiver.
    #[error("the receiver's certificate is {0}")]
    Certificate(BadCertificate),
    /// Nobody is there.
    #[error("no connection could be made")]
    Connect,
    /// Somebody was.
    #[error("the connection broke")]
    Broken,
    /// The answer goes on and on.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the client for calls to other servers cannot be built")]
pub struct ClientError(#[from] reqwest_tls::Error);

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
pub struct Poster {
    client: Client,
    allow_private: bool,
}

impl Poster {
    /// Calls itself `user_agent` and trusts `authorities` beside the machine's own. With `allow_private`, plain HTTP, any port and
    /// any address may be called: for development alone.
    pub fn new(
        user_agent: &'static str,
        allow_private: bool,
        authorities: Authorities,
    ) -> Result<Self, ClientError> {
        if allow_private {
            Self::with_names(OfMachine, user_agent, true, authorities)
        } else {
            Self::with_names(PublicOnly(OfMachine), user_agent, false, authorities)
        }
    }

    fn with_names(
        names: impl Resolve + 'static,
        user_agent: &'static str,
        allow_private: bool,
        authorities: Authorities,
    ) -> Result<Self, ClientError> {
        let client = Client::builder()
            .dns_resolver(Arc::new(names))
            .tls_certs_merge(authorities.0)
            .user_agent(user_agent)
            // A proxy would look names up by itself.
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            // Receivers are many and seldom called.
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(CONNECT_TIMEOUT);
        Ok(Self { client: client.build()?, allow_private })
    }

    /// Calls once.
    pub async fn post(&self, call: Call<'_>) -> Result<Reply, PostError> {
        let Call { url, headers, body, timeout, reply_bytes_max } = call;
        let url = destination::check(url, self.allow_private)?;
        let post = self.client.post(url).headers(headers).body(body).timeout(timeout);
        let response = post.send().await.map_err(|error| sort(&error, timeout))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = read(response, reply_bytes_max, timeout).await;
        Ok(Reply { status, retry_after, body })
    }
}

fn sort(error: &reqwest_tls::Error, timeout: Duration) -> PostError {
    if found_nothing_public(error) {
        PostError::Private
    } else if error.is_timeout() {
        PostError::TimedOut(timeout)
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

/// Reads to the end, so that the connection can serve again. What does not end soon is closed with it.
async fn read(
    mut response: Response,
    most: usize,
    timeout: Duration,
) -> Result<Vec<u8>, PostError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| sort(&error, timeout))? {
        if most - body.len() < chunk.len() {
            return Err(PostError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
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

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn to(url: &str, timeout: Duration) -> Call<'_> {
        Call { url, headers: HeaderMap::new(), body: Vec::new(), timeout, reply_bytes_max: 64 }
    }

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
        let poster = Poster::new("test", false, Authorities::default()).unwrap();
        let called = poster.post(to("https://localhost/", Duration::from_secs(5))).await;
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

    async fn call(names: impl Resolve + 'static) -> Result<Reply, PostError> {
        let poster = Poster::with_names(names, "test", false, Authorities::default()).unwrap();
        poster.post(to("https://game.example/", Duration::from_secs(5))).await
    }

    /// A server on this machine that answers each call with these bytes and then says nothing more.
    async fn says(bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut seen = [0; 1024];
                let _request = stream.read(&mut seen).await.unwrap();
                stream.write_all(bytes).await.unwrap();
                kept.push(stream);
            }
        });
        url
    }

    async fn answer(bytes: &'static [u8], timeout: Duration) -> Result<Reply, PostError> {
        let poster = Poster::new("test", true, Authorities::default()).unwrap();
        poster.post(to(&says(bytes).await, timeout)).await
    }

    #[tokio::test]
    async fn an_answer_is_read_whole_up_to_its_bound_and_within_its_time() {
        let patient = Duration::from_secs(20);
        let whole = b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nlate";
        let reply = answer(whole, patient).await.unwrap();
        assert_eq!((reply.status, reply.retry_after), (503, Some(Duration::from_secs(7))));
        assert_eq!(reply.body.unwrap(), b"late");
        let long = b"HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let body = answer(long, patient).await.unwrap().body;
        assert!(matches!(body, Err(PostError::TooLong(64))), "{body:?}");
        // The status alone came in time.
        let short = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhalf";
        let body = answer(short, Duration::from_millis(300)).await.unwrap().body;
        assert!(matches!(body, Err(PostError::TimedOut(_))), "{body:?}");
        let silent = answer(b"", Duration::from_millis(300)).await;
        assert_eq!(silent.unwrap_err().to_string(), "no answer within 300 ms");
        let elsewhere = b"HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(answer(elsewhere, patient).await.unwrap().status, 302);
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
