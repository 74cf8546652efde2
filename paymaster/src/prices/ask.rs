//! Asks one source.

use std::time::Duration;

use ciro_api::Fri;
use reqwest_tls::{Client, redirect::Policy};
use serde_json::Value;

use super::{Source, decimal};

const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest document that is read.
const BYTES_MAX: usize = 256 * 1024;

/// A source that named no price.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answered, or not in time.
    #[error("it does not answer")]
    Unreachable(#[source] reqwest_tls::Error),
    /// It has nothing for us.
    #[error("it answers with status {0}")]
    Status(u16),
    /// Too much to read.
    #[error("it answers with more than {BYTES_MAX} bytes")]
    TooLarge,
    /// No JSON.
    #[error("it answers with something other than JSON")]
    Json(#[from] serde_json::Error),
    /// No price where one should be.
    #[error("there is no price above zero at `{0}`")]
    NoPrice(String),
    /// More than an amount can be.
    #[error("the price is out of range")]
    Range,
}

pub(super) fn client() -> Result<Client, reqwest_tls::Error> {
    Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build()
}

pub(super) async fn ask(client: &Client, source: &Source) -> Result<Fri, AskError> {
    let sent = client.get(source.url.clone()).send().await;
    // Errors of the library repeat the URL, which may hold a key.
    let mut reply = sent.map_err(|error| AskError::Unreachable(error.without_url()))?;
    if !reply.status().is_success() {
        return Err(AskError::Status(reply.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) =
        reply.chunk().await.map_err(|error| AskError::Unreachable(error.without_url()))?
    {
        if body.len() + chunk.len() > BYTES_MAX {
            return Err(AskError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    price(&serde_json::from_slice(&body)?, source)
}

/// The ratio of the two prices.
fn price(document: &Value, source: &Source) -> Result<Fri, AskError> {
    let at = |pointer: &str| {
        let found = document.pointer(pointer).and_then(decimal::read);
        found.filter(|price| *price > 0).ok_or_else(|| AskError::NoPrice(pointer.to_owned()))
    };
    let (token, strk) = (at(&source.token)?, at(&source.strk)?);
    let scaled = token.checked_mul(Fri::ONE_STRK.0).ok_or(AskError::Range)?;
    match scaled / strk {
        0 => Err(AskError::Range),
        price => Ok(Fri(price)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(document: &Value) -> Result<Fri, AskError> {
        let source = Source {
            url: "https://prices.example/".parse().unwrap(),
            token: "/ethereum/usd".to_owned(),
            strk: "/starknet/usd".to_owned(),
        };
        price(document, &source)
    }

    #[test]
    fn a_price_is_the_ratio_of_two_in_one_currency() {
        let document = json!({ "ethereum": { "usd": 3_000.5 }, "starknet": { "usd": "0.1" } });
        assert_eq!(of(&document).unwrap(), Fri(30_005 * Fri::ONE_STRK.0));
    }

    #[test]
    fn what_names_no_price_is_a_fault_that_says_where() {
        for (eth, strk, at) in [
            (json!(0), json!(1), "/ethereum/usd"),
            (json!(1), json!(null), "/starknet/usd"),
            (json!(1), json!(-1), "/starknet/usd"),
        ] {
            let document = json!({ "ethereum": { "usd": eth }, "starknet": { "usd": strk } });
            let error = of(&document).unwrap_err();
            assert!(error.to_string().contains(at), "{error}");
        }
        let huge = json!({ "ethereum": { "usd": "100000000000000000" }, "starknet": { "usd": 1 } });
        assert!(matches!(of(&huge), Err(AskError::Range)));
        let tiny = json!({ "ethereum": { "usd": "0.000000000001" }, "starknet": { "usd": "10000000000000000000" } });
        assert!(matches!(of(&tiny), Err(AskError::Range)));
    }
}
