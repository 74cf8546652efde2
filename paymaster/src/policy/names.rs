//! What rules are called, and the networks that they name.

use std::{borrow::Cow, fmt, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Longest name of a rule.
const RULE_ID_BYTES_MAX: usize = 64;

/// The name of a rule, for people and for the reason that a denial gives: 1 to 64 of `a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(String);

impl RuleId {
    /// The rule that a document calls so.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=RULE_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        let given: String = text.chars().take(80).collect();
        Err(format!(
            "`{given}` is no name of a rule: expected 1 to {RULE_ID_BYTES_MAX} of a-z 0-9 -"
        ))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl PartialSchema for RuleId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[a-z0-9-]{1,64}$"))
            .description(Some("The name of a rule, of which there is one in a document"))
            .into()
    }
}

impl ToSchema for RuleId {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PolicyRuleId")
    }
}

/// Addresses that begin alike, as `203.0.113.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        let refused =
            |_| de::Error::custom(format_args!("`{text}` is no network like 203.0.113.0/24"));
        text.parse().map(Self).map_err(refused)
    }
}

impl PartialSchema for Network {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9a-fA-F.:]{2,45}/[0-9]{1,3}$"))
            .description(Some("Addresses that begin alike, as `203.0.113.0/24`"))
            .into()
    }
}

impl ToSchema for Network {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PolicyNetwork")
    }
}
