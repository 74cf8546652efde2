//! Money. One unit everywhere: the fri, 10⁻¹⁸ STRK. This module never rounds and never wraps.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use starknet_rust_core::types::Felt;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// An amount in fri. All STRK that exist are about 10²⁸ fri, so 128 bits never overflow by honest
/// use; dishonest use meets checked arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fri(pub u128);

/// A string that is not a decimal amount of fri.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an amount in fri: expected a decimal integer below 2^128")]
pub struct ParseFriError {
    given: String,
}

impl Fri {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One STRK.
    pub const ONE_STRK: Self = Self(1_000_000_000_000_000_000);

    /// The sum, or `None` past 2¹²⁸.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product with a count, or `None` past 2¹²⁸.
    pub fn checked_mul(self, count: u64) -> Option<Self> {
        self.0.checked_mul(u128::from(count)).map(Self)
    }
}

impl From<Fri> for Felt {
    fn from(amount: Fri) -> Self {
        Self::from(amount.0)
    }
}

impl fmt::Display for Fri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Fri {
    type Err = ParseFriError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseFriError { given: text.chars().take(80).collect() };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error());
        }
        text.parse().map(Self).map_err(|_| error())
    }
}

impl Serialize for Fri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for Fri {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^(0|[1-9][0-9]{0,38})$"))
            .description(Some("An amount in fri (10⁻¹⁸ STRK), as a decimal string."))
            .into()
    }
}
impl utoipa::ToSchema for Fri {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_a_decimal_string_on_the_wire() {
        let json = serde_json::to_string(&Fri(u128::MAX)).unwrap();
        assert_eq!(json, format!("\"{}\"", u128::MAX));
        assert_eq!(serde_json::from_str::<Fri>(&json).unwrap(), Fri(u128::MAX));
    }

    #[test]
    fn signs_fractions_and_overflows_are_refused() {
        for bad in ["", "-1", "+1", "1.0", "0x1", "340282366920938463463374607431768211456"] {
            assert!(bad.parse::<Fri>().is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn arithmetic_that_would_wrap_gives_none() {
        assert_eq!(Fri(u128::MAX).checked_add(Fri(1)), None);
        assert_eq!(Fri(0).checked_sub(Fri(1)), None);
        assert_eq!(Fri(u128::MAX).checked_mul(2), None);
    }
}
