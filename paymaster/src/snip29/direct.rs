//! Requests outside SNIP-29 that bring what was signed without its typed data: as calldata, as AVNU takes it, or as the fields
//! that Cartridge's controllers send.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{
    felt::{self, WireFelt},
    transaction::UserCall,
};

/// What `paymaster_executeDirectTransaction` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum DirectTransaction {
    /// An account acts.
    Invoke {
        /// How.
        invoke: DirectInvoke,
    },
}

/// A call into an account, with all that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectInvoke {
    /// The account.
    pub user_address: WireFelt,
    /// To the account itself, of one of the functions of SNIP-9.
    pub execute_from_outside_call: UserCall,
}

/// What `cartridge_addExecuteOutsideTransaction` takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideTransaction {
    /// The account.
    pub address: WireFelt,
    /// What it signed.
    pub outside_execution: OutsideFields,
    /// Whatever the account takes for a signature.
    pub signature: Vec<WireFelt>,
    /// Who pays; the sponsor, unless it says otherwise.
    #[serde(default)]
    pub fee_source: Option<FeeSource>,
}

/// Who pays for what a controller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FeeSource {
    /// A sponsor.
    Paymaster,
    /// The account's credits, which exist at Cartridge alone.
    Credits,
}

/// An outside execution by its fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideFields {
    /// Who may execute it.
    pub caller: WireFelt,
    /// A felt, or a channel and a bit of its mask.
    pub nonce: OutsideNonce,
    /// In seconds since 1970.
    #[serde(deserialize_with = "moment")]
    pub execute_after: u64,
    /// In seconds since 1970.
    #[serde(deserialize_with = "moment")]
    pub execute_before: u64,
    /// What the account does.
    pub calls: Vec<UserCall>,
}

/// What is used up by an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OutsideNonce {
    /// In versions 1 and 2.
    Felt(WireFelt),
    /// In version 3: channel and mask.
    Bit(WireFelt, WireFelt),
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let read = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => felt::read(text).ok().and_then(|felt| u64::try_from(felt).ok()),
        _ => None,
    };
    read.ok_or_else(|| de::Error::custom("a moment is a whole number of seconds since 1970"))
}
