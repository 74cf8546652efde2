//! Newtypes over the Stark field element, so that an address is never passed where a hash is meant.
//!
//! On the wire every one of them is a lower-case `0x` hex string without leading zeros. This module never hashes.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
pub use starknet_rust_core::types::Felt;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A string that is not a field element below the Stark prime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a felt: expected 0x and at most 63 hex digits, below the Stark prime")]
pub struct ParseFeltError {
    given: String,
}

/// Parses `0x…` hex strictly: prefix required, no sign, below the prime.
pub fn parse_felt(text: &str) -> Result<Felt, ParseFeltError> {
    let error = || ParseFeltError { given: text.chars().take(80).collect() };
    let digits = text.strip_prefix("0x").ok_or_else(error)?;
    let trimmed = digits.trim_start_matches('0');
    if digits.is_empty() || trimmed.len() > 63 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(error());
    }
    let value = Felt::from_hex(text).map_err(|_| error())?;
    // `from_hex` reduces modulo the prime; a value that changed was not canonical.
    let canonical = format!("{value:#x}");
    let same = canonical.trim_start_matches("0x").eq_ignore_ascii_case(trimmed);
    if same || (trimmed.is_empty() && value == Felt::ZERO) { Ok(value) } else { Err(error()) }
}

fn felt_schema(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^0x(0|[a-f1-9][a-f0-9]{0,61}|[1-7][a-f0-9]{62})$"))
        .description(Some(description))
        .into()
}

macro_rules! felt_newtype {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Felt);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseFeltError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_felt(text).map(Self)
            }
        }

        impl From<Felt> for $name {
            fn from(value: Felt) -> Self {
                Self(value)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                felt_schema(concat!($($doc),+).trim())
            }
        }
        impl utoipa::ToSchema for $name {}
    };
}

felt_newtype!(
    /// A contract or account address on Starknet.
    Address
);
felt_newtype!(
    /// The content hash of a model: Poseidon over the SHA-256 of its manifest.
    ModelId
);
felt_newtype!(
    /// A commitment to a byte string under the scheme that the model's manifest names.
    Commitment
);
felt_newtype!(
    /// The hash of a Starknet transaction.
    TxHash
);
felt_newtype!(
    /// A Stark public key: the x coordinate.
    PublicKey
);
felt_newtype!(
    /// The chain id as a short string felt, for example `SN_SEPOLIA`.
    ChainId
);
felt_newtype!(
    /// The paymaster's number for one request, whichever transaction carries it.
    TrackingId
);
felt_newtype!(
    /// A 252-bit hash that is none of the above: a Merkle node, a root, a struct hash.
    Digest
);

/// A Stark-curve ECDSA signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// First half.
    pub r: Digest,
    /// Second half.
    pub s: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_felt_at_or_above_the_prime_is_refused() {
        let prime = "0x800000000000011000000000000000000000000000000000000000000000001";
        assert!(parse_felt(prime).is_err());
        let below = "0x800000000000011000000000000000000000000000000000000000000000000";
        assert_eq!(format!("{:#x}", parse_felt(below).unwrap()), below);
    }

    #[test]
    fn padded_and_upper_case_felts_are_read_and_printed_canonically() {
        assert_eq!("0x00AbC".parse::<Address>().unwrap().to_string(), "0xabc");
        assert_eq!("0x0".parse::<Address>().unwrap().to_string(), "0x0");
    }

    #[test]
    fn strings_that_are_no_felts_are_refused() {
        for bad in ["", "0x", "12", "0xg", "-0x1", "0x+1", "0x 1"] {
            assert!(parse_felt(bad).is_err(), "{bad} was accepted");
        }
    }
}
