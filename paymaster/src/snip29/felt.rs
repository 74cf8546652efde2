//! Felts as the wire has them: read leniently, because clients differ, and written in one way.

use std::{borrow::Cow, fmt, str::FromStr};

use ciro_api::{Felt, felt::parse_felt};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Decimal digits of the largest felt.
const DECIMAL_DIGITS_MAX: usize = 76;

/// A felt: in as `0x` hex, padded or not, in any case, or as decimal digits in a string; out as lower-case `0x` hex without
/// leading zeros. Never a JSON number: those above 2^53 lose digits in clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireFelt(pub Felt);

/// The felt that `text` spells.
pub(super) fn read(text: &str) -> Result<Felt, String> {
    let refused = || {
        let given: String = text.chars().take(80).collect();
        format!(
            "`{given}` is not a felt: expected 0x and hex digits, or decimal digits, below the Stark prime"
        )
    };
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // More than this is not padding any more.
        if digits.len() > 64 {
            return Err(refused());
        }
        return parse_felt(&format!("0x{digits}")).map_err(|_| refused());
    }
    let is_decimal = !text.is_empty()
        && text.len() <= DECIMAL_DIGITS_MAX
        && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if is_decimal { Felt::from_dec_str(text).ok() } else { None };
    // A value above the prime would come back reduced.
    value.filter(|felt| felt.to_string() == without_zeros(text)).ok_or_else(refused)
}

fn without_zeros(digits: &str) -> &str {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0" } else { trimmed }
}

impl fmt::Display for WireFelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for WireFelt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        read(text).map(Self)
    }
}

impl PartialSchema for WireFelt {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^(0[xX][0-9a-fA-F]{1,64}|[0-9]{1,76})$"))
            .description(Some("A felt: `0x` and hexadecimal digits, or decimal digits"))
            .into()
    }
}

impl ToSchema for WireFelt {}

impl Serialize for WireFelt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireFelt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        read(&text).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_felt_is_read_in_every_spelling_that_clients_use() {
        for (text, value) in [
            ("0x0", 0_u64),
            ("0x00000000000000000000000000000000000000000000000000000000000000ab", 0xab),
            ("0xAB", 0xab),
            ("0XaB", 0xab),
            ("171", 0xab),
            ("0171", 0xab),
            ("0", 0),
        ] {
            assert_eq!(read(text), Ok(Felt::from(value)), "{text}");
        }
    }

    #[test]
    fn what_is_no_felt_is_refused() {
        let prime = "0x800000000000011000000000000000000000000000000000000000000000001";
        let prime_in_decimal =
            "3618502788666131213697322783095070105623107215331596699973092056135872020481";
        let long = format!("0x{}", "0".repeat(65));
        let digits = "9".repeat(200);
        let bad = ["", "0x", "-1", "1.0", "0xg", " 0x1", "0x1 ", "1e3", "ab", "+1"];
        for text in bad.into_iter().chain([prime, prime_in_decimal, &long, &digits]) {
            assert!(read(text).is_err(), "{text} was accepted");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: [u8; 31]) {
            let felt = Felt::from_bytes_be_slice(&bytes);
            let text = WireFelt(felt).to_string();
            prop_assert_eq!(read(&text), Ok(felt));
            prop_assert_eq!(read(&felt.to_string()), Ok(felt));
        }

        #[test]
        fn wild_text_never_panics(text in ".{0,90}") {
            let _read = read(&text);
        }
    }
}
