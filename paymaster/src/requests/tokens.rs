//! What fees may be paid in, and what that is worth.

use std::{collections::BTreeSet, path::Path};

use ciro_api::{Address, Felt, Fri};
use ciro_contracts::{TokenUnits, token::STRK};
use serde::Deserialize;

use crate::{
    prices::{Feed, Source},
    snip29::{SupportedToken, WireFelt},
};

/// Most decimals of a token: more do not fit 128 bits beside a price.
const DECIMALS_MAX: u8 = 24;
/// Most sources of a price.
const SOURCES_MAX: usize = 5;

/// A token that fees may be paid in, at its price of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasToken {
    /// The ERC-20.
    pub address: Address,
    /// One whole token is ten to the power of this in its smallest unit.
    pub decimals: u8,
    /// What one whole token is worth.
    pub price_fri: Fri,
}

/// A token as the operator lists it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: Address,
    decimals: u8,
    #[serde(default)]
    price_fri: Option<Fri>,
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Clone, Debug)]
struct Listed {
    address: Address,
    decimals: u8,
    price: Price,
}

#[derive(Clone, Debug)]
enum Price {
    /// The operator's own.
    Fixed(Fri),
    /// As others say.
    Fed(Feed),
}

impl Listed {
    /// At its price of now, if it has one.
    fn priced(&self) -> Option<GasToken> {
        let price_fri = match &self.price {
            Price::Fixed(price) => *price,
            Price::Fed(feed) => feed.price()?,
        };
        Some(GasToken { address: self.address, decimals: self.decimals, price_fri })
    }
}

impl Entry {
    fn listed(self) -> Option<Listed> {
        let Self { address, decimals, price_fri, sources } = self;
        let places: BTreeSet<&str> = sources.iter().map(|source| source.url.as_str()).collect();
        if places.len() != sources.len() {
            // One document that agrees with itself is one source.
            return None;
        }
        let price = match (price_fri, sources.len()) {
            (Some(price), 0) if price > Fri::ZERO => Price::Fixed(price),
            (None, 2..=SOURCES_MAX) => Price::Fed(Feed::new(address, sources)),
            _ => return None,
        };
        (decimals <= DECIMALS_MAX).then_some(Listed { address, decimals, price })
    }
}

/// A token that nobody can pay in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untaken {
    /// It is not listed.
    Unknown,
    /// No two sources agree on what it is worth.
    NoPrice,
}

impl GasToken {
    /// So much STRK, in this token, rounded up.
    pub(super) fn worth(&self, fee: Fri) -> Option<TokenUnits> {
        let whole = 10_u128.checked_pow(self.decimals.into())?;
        if self.price_fri.0 == whole {
            return Some(TokenUnits(fee.0));
        }
        fee.0.checked_mul(whole).map(|scaled| TokenUnits(scaled.div_ceil(self.price_fri.0)))
    }
}

/// Those that are taken. STRK always is.
#[derive(Clone, Debug, Default)]
pub struct GasTokens(Vec<Listed>);

/// A list of tokens that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GasTokensError {
    /// It cannot be read.
    #[error("cannot read the list of gas tokens {0}")]
    Read(String, #[source] std::io::Error),
    /// It is not what it should be.
    #[error("the list of gas tokens {0} is not valid")]
    Content(String, #[source] serde_json::Error),
    /// A token without a price, with too many decimals, or twice.
    #[error(
        "the gas token {0} needs a `price_fri` above zero or 2 to {SOURCES_MAX} `sources` of different URLs, at most {DECIMALS_MAX} decimals, and one entry"
    )]
    Token(Address),
}

impl GasTokens {
    /// STRK, and those of a file: an array of `{address, decimals, price_fri}`, at the operator's own prices, or of
    /// `{address, decimals, sources}`.
    pub fn read(path: &Path) -> Result<Self, GasTokensError> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|e| GasTokensError::Read(name.clone(), e))?;
        let entries: Vec<Entry> =
            serde_json::from_slice(&text).map_err(|e| GasTokensError::Content(name, e))?;
        let mut tokens = Self::default();
        for entry in entries {
            let address = entry.address;
            let is_twice = tokens.find(address.0) != Err(Untaken::Unknown);
            let listed = entry.listed().filter(|_| !is_twice);
            tokens.0.push(listed.ok_or(GasTokensError::Token(address))?);
        }
        Ok(tokens)
    }

    /// The token at this address, if it is taken now.
    pub(super) fn find(&self, address: Felt) -> Result<GasToken, Untaken> {
        if address == STRK.0 {
            return Ok(Self::strk());
        }
        let listed = self.0.iter().find(|token| token.address.0 == address);
        listed.ok_or(Untaken::Unknown)?.priced().ok_or(Untaken::NoPrice)
    }

    /// STRK itself.
    pub(super) fn strk() -> GasToken {
        GasToken { address: STRK, decimals: 18, price_fri: Fri::ONE_STRK }
    }

    /// For clients: those that are taken now.
    pub(super) fn listed(&self) -> Vec<SupportedToken> {
        let listed = |token: GasToken| SupportedToken {
            token_address: WireFelt(token.address.0),
            decimals: token.decimals,
            price_in_strk: WireFelt(token.price_fri.into()),
        };
        let priced = self.0.iter().filter_map(Listed::priced);
        std::iter::once(Self::strk()).chain(priced).map(listed).collect()
    }

    /// The prices that others name, for whoever asks them.
    pub(crate) fn feeds(&self) -> Vec<Feed> {
        let feed = |listed: &Listed| match &listed.price {
            Price::Fed(feed) => Some(feed.clone()),
            Price::Fixed(_) => None,
        };
        self.0.iter().filter_map(feed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_in_another_token_is_rounded_up() {
        // Six decimals, 8 STRK for one.
        let token = GasToken {
            address: Address(Felt::ONE),
            decimals: 6,
            price_fri: Fri(8 * Fri::ONE_STRK.0),
        };
        assert_eq!(token.worth(Fri(8 * Fri::ONE_STRK.0)), Some(TokenUnits(1_000_000)));
        assert_eq!(token.worth(Fri(1)), Some(TokenUnits(1)));
        assert_eq!(token.worth(Fri(8_000_000_000_001)), Some(TokenUnits(2)));
        assert_eq!(token.worth(Fri::ZERO), Some(TokenUnits(0)));
    }

    #[test]
    fn strk_is_worth_itself_whatever_the_amount() {
        let strk = GasTokens::strk();
        assert_eq!(strk.worth(Fri(u128::MAX)), Some(TokenUnits(u128::MAX)));
    }

    #[test]
    fn a_list_that_leaves_a_price_open_or_names_it_twice_is_refused_by_the_token() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens.json");
        let source = r#"{"url": "https://prices.example/", "token": "/t", "strk": "/s"}"#;
        let other = r#"{"url": "https://others.example/", "token": "/t", "strk": "/s"}"#;
        let read = |rest: &str| {
            let text = format!(r#"[{{"address": "0x7", "decimals": 6, {rest}}}]"#);
            std::fs::write(&path, text).unwrap();
            GasTokens::read(&path)
        };
        assert!(read(r#""price_fri": "5""#).is_ok());
        assert!(read(&format!(r#""sources": [{source}, {other}]"#)).is_ok());
        for bad in [
            r#""price_fri": "0""#.to_owned(),
            r#""sources": []"#.to_owned(),
            format!(r#""sources": [{source}]"#),
            format!(r#""sources": [{source}, {source}]"#),
            format!(r#""price_fri": "5", "sources": [{source}, {other}]"#),
        ] {
            let error = read(&bad).unwrap_err();
            assert!(error.to_string().contains("0x7"), "{bad}: {error}");
        }
        let twice = r#""price_fri": "5"}, {"address": "0x7", "decimals": 6, "price_fri": "5""#;
        assert!(matches!(read(twice), Err(GasTokensError::Token(_))));
    }

    #[test]
    fn a_token_without_a_price_is_listed_to_nobody() {
        let feed = Feed::new(Address(Felt::ONE), Vec::new());
        let listed = Listed { address: Address(Felt::ONE), decimals: 6, price: Price::Fed(feed) };
        let tokens = GasTokens(vec![listed]);
        assert_eq!(tokens.find(Felt::ONE), Err(Untaken::NoPrice));
        assert_eq!(tokens.find(Felt::TWO), Err(Untaken::Unknown));
        assert_eq!(tokens.listed().len(), 1, "STRK");
    }
}
