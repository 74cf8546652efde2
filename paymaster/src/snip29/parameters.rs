//! How a request is to be paid for, and when it may run.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::felt::{self, WireFelt};

/// Of the parameters. There is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// The only one.
    #[serde(rename = "0x1")]
    V1,
}

/// What comes beside every transaction, and goes back with what was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Of these parameters.
    pub version: Version,
    /// Who pays.
    pub fee_mode: FeeMode,
    /// When it may run; as the paymaster chooses when it is left out or `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_bounds: Option<TimeBounds>,
}

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeeMode {
    /// A sponsor, whose key comes in a header.
    Sponsored {
        /// How much in a hurry it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tip: Option<Tip>,
    },
    /// The user, in a token.
    Default {
        /// Which token.
        gas_token: WireFelt,
        /// How much in a hurry it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tip: Option<Tip>,
    },
}

/// How much in a hurry a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tip {
    /// It may wait.
    Slow,
    /// Unless told.
    Normal,
    /// Before others.
    Fast,
    /// So much for each unit of L2 gas, in fri.
    Custom(u64),
}

/// Between which moments it may run, both left out, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeBounds {
    /// Later than this.
    #[serde(deserialize_with = "seconds")]
    pub execute_after: u64,
    /// Earlier than this.
    #[serde(deserialize_with = "seconds")]
    pub execute_before: u64,
}

/// The specification writes a decimal string, starknet.js a number, others hex.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let refused = |given: &str| {
        let given: String = given.chars().take(80).collect();
        de::Error::custom(format_args!("`{given}` is no moment in whole seconds since 1970"))
    };
    match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().ok_or_else(|| refused(&number.to_string())),
        Value::String(text) => {
            let felt = felt::read(&text).map_err(|_| refused(&text))?;
            u64::try_from(felt).map_err(|_| refused(&text))
        }
        other => Err(refused(&Cow::from(other.to_string()))),
    }
}
