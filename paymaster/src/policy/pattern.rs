//! Which calls a rule is about.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use ciro_api::{Address, Felt, felt::parse_felt, hash::outside_execution::OutsideCall};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::document::present;
use crate::snip29::WireFelt;

/// A function, as people name it or as the chain does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    felt: Felt,
    text: String,
}

impl Selector {
    /// The function that a document calls so: a Cairo name, or `0x` and its selector.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || {
            let given: String = text.chars().take(80).collect();
            format!("`{given}` is neither the name of a function nor a selector")
        };
        let felt = if text.starts_with("0x") {
            parse_felt(text).map_err(|_| refused())?
        } else {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let is_name = (1..=128).contains(&text.len())
                && text.bytes().all(plain)
                && !text.starts_with(|first: char| first.is_ascii_digit());
            if !is_name {
                return Err(refused());
            }
            ciro_contracts::selector(text)
        };
        Ok(Self { felt, text: text.to_owned() })
    }

    /// On chain.
    pub fn felt(&self) -> Felt {
        self.felt
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl PartialSchema for Selector {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^([A-Za-z_][A-Za-z0-9_]{0,127}|0x[0-9a-fA-F]{1,63})$"))
            .description(Some("A function: its Cairo name, or `0x` and its selector"))
            .into()
    }
}

impl ToSchema for Selector {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PolicySelector")
    }
}

/// Calls of one function, perhaps with arguments of some kind only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyCallPattern)]
pub struct CallPattern {
    /// The contract; any one when it is left out.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
    /// The function.
    pub function: Selector,
    /// What the arguments must be: all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Predicate>,
}

impl CallPattern {
    pub(super) fn fits(&self, call: &OutsideCall) -> bool {
        self.to.is_none_or(|to| to == call.to)
            && self.function.felt == call.selector
            && self.arguments.iter().all(|argument| argument.holds(&call.calldata))
    }
}

/// What one felt of the calldata must be. A call that has no such felt does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyPredicate)]
pub struct Predicate {
    /// Which felt, counted from 0. A `u256` has two, the low half first.
    #[schema(maximum = 65_535)]
    pub at: u16,
    /// What of it.
    pub is: Test,
}

impl Predicate {
    fn holds(&self, calldata: &[Felt]) -> bool {
        calldata.get(usize::from(self.at)).is_some_and(|felt| self.is.holds(*felt))
    }
}

/// A question about a felt, which is compared as a whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyTest)]
pub enum Test {
    /// Just this.
    Equals(WireFelt),
    /// One of these.
    OneOf(BTreeSet<WireFelt>),
    /// This or less.
    AtMost(WireFelt),
    /// This or more.
    AtLeast(WireFelt),
}

impl Test {
    fn holds(&self, felt: Felt) -> bool {
        match self {
            Self::Equals(value) => felt == value.0,
            Self::OneOf(values) => values.contains(&WireFelt(felt)),
            Self::AtMost(value) => felt <= value.0,
            Self::AtLeast(value) => felt >= value.0,
        }
    }
}
