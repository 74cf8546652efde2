//! A device's own serial.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::limits;

/// The serial of a device, unique below its sponsor: 1 to 64 printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Serial(String);

/// A text that is no serial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a serial is 1 to {} printable ASCII characters without spaces", limits::SERIAL_BYTES_MAX)]
pub struct ParseSerialError;

impl Serial {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Serial {
    type Error = ParseSerialError;
    fn try_from(text: String) -> Result<Self, ParseSerialError> {
        let plain = text.bytes().all(|b| b.is_ascii_graphic());
        if plain && (1..=limits::SERIAL_BYTES_MAX).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(ParseSerialError)
        }
    }
}

impl FromStr for Serial {
    type Err = ParseSerialError;
    fn from_str(text: &str) -> Result<Self, ParseSerialError> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Serial {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.into_owned().try_into().map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for Serial {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[!-~]{1,64}$"))
            .description(Some("The serial of a device, unique below its sponsor."))
            .into()
    }
}
impl utoipa::ToSchema for Serial {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_on_a_box_is_a_serial_and_other_text_is_not() {
        for good in ["7", "box-7", "~!/:", &"s".repeat(64)] {
            assert_eq!(good.parse::<Serial>().unwrap().as_str(), good);
        }
        for bad in ["", " ", "box 7", "box\n", "böx", "\0", &"s".repeat(65)] {
            assert!(bad.parse::<Serial>().is_err(), "{bad:?}");
        }
    }
}
