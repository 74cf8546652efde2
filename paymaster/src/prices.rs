//! What a token is worth in STRK, by several sources that must agree. One that is away or lies alone moves nothing; where no two
//! agree, there is no price, and nobody pays in the token.

mod agree;
mod ask;
mod decimal;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ciro_api::{Address, Fri};
use futures::future::join_all;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{backoff::Backoff, observe};

pub use ask::AskError;

/// How often a source is asked while it answers.
const INTERVAL: Duration = Duration::from_secs(5);
/// An answer counts for so long.
const FRESH: Duration = Duration::from_mins(1);

/// A document that names a token's price and that of STRK in the same currency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where it is.
    pub url: Url,
    /// The token's price in it, as a JSON pointer.
    pub token: String,
    /// The price of STRK.
    pub strk: String,
}

/// What a source said, and when.
#[derive(Clone, Copy, Debug)]
struct Quote {
    price: Fri,
    at: Instant,
}

/// The price of one token. Clones share it.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token: Address,
    sources: Vec<Source>,
    /// By source.
    quotes: Mutex<Vec<Option<Quote>>>,
}

impl Feed {
    /// The price of `token` by these sources, of which none was asked yet.
    pub fn new(token: Address, sources: Vec<Source>) -> Self {
        let quotes = Mutex::new(vec![None; sources.len()]);
        Self(Arc::new(Inner { token, sources, quotes }))
    }

    /// What one whole token is worth, where two sources agree.
    pub fn price(&self) -> Option<Fri> {
        self.price_at(Instant::now())
    }

    fn price_at(&self, now: Instant) -> Option<Fri> {
        let quotes = self.0.quotes.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |quote: &Quote| now.saturating_duration_since(quote.at) <= FRESH;
        let prices = quotes.iter().flatten().filter(|quote| fresh(quote)).map(|quote| quote.price);
        agree::agree(prices.collect())
    }

    fn told(&self, source: usize, quote: Quote) {
        let before = self.price();
        let mut quotes = self.0.quotes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = quotes.get_mut(source) {
            *place = Some(quote);
        }
        drop(quotes);
        let (token, after) = (self.0.token, self.price());
        if before.is_some() != after.is_some() {
            tracing::warn!(%token, has_price = after.is_some(), "whether sources agree has changed");
        }
    }
}

/// What asks the sources.
#[derive(Debug)]
pub struct Follower {
    client: reqwest_tls::Client,
    feeds: Vec<Feed>,
}

/// Nobody can be asked.
#[derive(Debug, thiserror::Error)]
#[error("sources of prices cannot be asked")]
pub struct FollowerError(#[from] reqwest_tls::Error);

impl Follower {
    /// Of all sources of these. Nobody is asked yet.
    pub fn new(feeds: Vec<Feed>) -> Result<Self, FollowerError> {
        Ok(Self { client: ask::client()?, feeds })
    }

    /// Asks all sources, each by itself, until `stop`.
    pub async fn run(&self, stop: &CancellationToken) {
        let sources = |feed: &Feed| 0..feed.0.sources.len();
        let all = self.feeds.iter().flat_map(|feed| sources(feed).map(move |place| (feed, place)));
        join_all(all.map(|(feed, place)| follow_one(&self.client, feed, place, stop))).await;
    }
}

async fn follow_one(
    client: &reqwest_tls::Client,
    feed: &Feed,
    place: usize,
    stop: &CancellationToken,
) {
    let Some(source) = feed.0.sources.get(place) else { return };
    let mut backoff = Backoff::new(INTERVAL);
    loop {
        let wait = match ask::ask(client, source).await {
            Ok(price) => {
                backoff.reset();
                feed.told(place, Quote { price, at: Instant::now() });
                INTERVAL
            }
            Err(error) => {
                observe::price_failed();
                tracing::warn!(token = %feed.0.token, source = place, %error, "a source of prices failed");
                backoff.next()
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        let source = Source {
            url: "https://prices.example/".parse().unwrap(),
            token: "/eth".to_owned(),
            strk: "/strk".to_owned(),
        };
        Feed::new(Address(1_u64.into()), vec![source.clone(), source])
    }

    #[test]
    fn a_price_is_forgotten_with_the_answers_that_it_came_from() {
        let (feed, now) = (feed(), Instant::now());
        assert_eq!(feed.price_at(now), None, "nobody was asked");
        feed.told(0, Quote { price: Fri(1_000), at: now });
        assert_eq!(feed.price_at(now), None, "one is not two");
        feed.told(1, Quote { price: Fri(1_010), at: now + FRESH / 2 });
        assert_eq!(feed.price_at(now + FRESH), Some(Fri(1_000)));
        let later = now + FRESH + Duration::from_millis(1);
        assert_eq!(feed.price_at(later), None, "the first answer is too old");
    }
}
