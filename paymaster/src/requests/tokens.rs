//! What fees may be paid in, and what that is worth.

use std::path::Path;

use ciro_api::{Address, Felt, Fri};
use ciro_contracts::{TokenUnits, token::STRK};
use serde::Deserialize;

use crate::snip29::{SupportedToken, WireFelt};

/// Most decimals of a token: more do not fit 128 bits beside a price.
const DECIMALS_MAX: u8 = 24;

/// A token that fees may be paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GasToken {
    /// The ERC-20.
    pub address: Address,
    /// One whole token is ten to the power of this in its smallest unit.
    pub decimals: u8,
    /// What one whole token is worth.
    pub price_fri: Fri,
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
#[derive(Clone, Debug)]
pub struct GasTokens(Vec<GasToken>);

/// A list of tokens that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GasTokensError {
    /// It cannot be read.
    #[error("cannot read the list of gas tokens {0}")]
    Read(String, #[source] std::io::Error),
    /// It is not what it should be.
    #[error("the list of gas tokens {0} is not valid")]
    Content(String, #[source] serde_json::Error),
    /// A token with a price of nothing, too many decimals, or twice.
    #[error(
        "the gas token {0} needs a price above zero, at most {DECIMALS_MAX} decimals, and one entry"
    )]
    Token(Address),
}

impl Default for GasTokens {
    fn default() -> Self {
        Self(vec![GasToken { address: STRK, decimals: 18, price_fri: Fri::ONE_STRK }])
    }
}

impl GasTokens {
    /// STRK, and those of a file: an array of `{address, decimals, price_fri}`. The prices are the operator's own.
    pub fn read(path: &Path) -> Result<Self, GasTokensError> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|e| GasTokensError::Read(name.clone(), e))?;
        let listed: Vec<GasToken> =
            serde_json::from_slice(&text).map_err(|e| GasTokensError::Content(name, e))?;
        let mut tokens = Self::default();
        for token in listed {
            let is_twice = tokens.0.iter().any(|known| known.address == token.address);
            if is_twice || token.price_fri == Fri::ZERO || token.decimals > DECIMALS_MAX {
                return Err(GasTokensError::Token(token.address));
            }
            tokens.0.push(token);
        }
        Ok(tokens)
    }

    /// The token at this address, if it is taken.
    pub(super) fn find(&self, address: Felt) -> Option<GasToken> {
        self.0.iter().find(|token| token.address.0 == address).copied()
    }

    /// STRK itself.
    pub(super) fn strk(&self) -> GasToken {
        self.0[0]
    }

    /// For clients.
    pub(super) fn listed(&self) -> Vec<SupportedToken> {
        let listed = |token: &GasToken| SupportedToken {
            token_address: WireFelt(token.address.0),
            decimals: token.decimals,
            price_in_strk: WireFelt(token.price_fri.into()),
        };
        self.0.iter().map(listed).collect()
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
        let strk = GasTokens::default().strk();
        assert_eq!(strk.worth(Fri(u128::MAX)), Some(TokenUnits(u128::MAX)));
    }
}
