//! A policy as its sponsor writes it. Unknown members are faults, so that a condition that is spelled wrong never allows more
//! than its author meant.

use std::collections::BTreeSet;

use ciro_api::{DeviceId, Fri, SponsorKeyId};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use url::Url;
use utoipa::ToSchema;

use super::{
    names::{Network, RuleId},
    pattern::CallPattern,
};
use crate::snip29::WireFelt;

/// Largest document in bytes: a thousand rules of a kilobyte.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Most rules of a document.
const RULES_MAX: usize = 1_000;
/// How long a webhook may take, at most.
const WEBHOOK_TIMEOUT_MS_MAX: u32 = 3_000;

/// Reads a member that is there: left out is not `null`, which may be somebody's mistake.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
    time::serde::rfc3339::deserialize(deserializer).map(Some)
}

/// What a sponsor pays for. The first rule that fits an operation decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Of this form: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub version: u8,
    /// Before this, nothing is paid for.
    #[serde(
        default,
        deserialize_with = "moment",
        serialize_with = "time::serde::rfc3339::option::serialize",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub starts_at: Option<OffsetDateTime>,
    /// From this on, nothing is.
    #[serde(
        default,
        deserialize_with = "moment",
        serialize_with = "time::serde::rfc3339::option::serialize",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<OffsetDateTime>,
    /// In the order in which they are asked.
    #[schema(max_items = 1_000)]
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyRule)]
pub struct Rule {
    /// Its name, of which there is one in a document.
    pub id: RuleId,
    /// Which operations it is about: all that fit every condition.
    #[serde(default)]
    pub when: Conditions,
    /// What one operation may take at most. One that would take more is denied.
    #[serde(default)]
    pub ceilings: Ceilings,
    /// How much of them there may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// What becomes of them.
    pub action: Action,
}

/// What must be so of an operation. What is left out may be anything; a list that is there has something in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyConditions)]
pub struct Conditions {
    /// Each of its calls fits one of these. In a rule that denies, one of its calls does.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1)]
    pub calls: Option<Vec<CallPattern>>,
    /// It came with one of these keys.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<SponsorKeyId>>, min_items = 1)]
    pub keys: Option<BTreeSet<SponsorKeyId>>,
    /// One of these accounts acts.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<WireFelt>>, min_items = 1)]
    pub accounts: Option<BTreeSet<WireFelt>>,
    /// The account's class is one of these.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<WireFelt>>, min_items = 1)]
    pub classes: Option<BTreeSet<WireFelt>>,
    /// The operation may make the account first. A rule that pays for that names the classes, and where it names no calls it
    /// pays for accounts that are made and do nothing yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deploys: bool,
    /// One of these devices asks.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<DeviceId>>, min_items = 1)]
    pub devices: Option<BTreeSet<DeviceId>>,
    /// It came from one of these networks, like `203.0.113.0/24`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1)]
    pub networks: Option<Vec<Network>>,
    /// A page of one of these origins sent it, like `https://game.example`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub origins: Option<BTreeSet<String>>,
}

/// What one operation may take at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyCeilings)]
pub struct Ceilings {
    /// Units of L2 gas.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub l2_gas: Option<u64>,
    /// For a unit of it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub l2_gas_price_fri: Option<Fri>,
    /// In all.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub fee_fri: Option<Fri>,
}

/// How much there may be of what a rule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyLimit)]
pub struct Limit {
    /// What is counted.
    pub measure: Measure,
    /// Each of whom has so much.
    pub per: Per,
    /// In which time.
    pub window: Window,
    /// So much.
    pub at_most: Fri,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyMeasure)]
pub enum Measure {
    /// Operations.
    Operations,
    /// What they cost, in fri.
    SpentFri,
}

/// Who has a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyPer)]
pub enum Per {
    /// All together.
    Rule,
    /// Each account.
    Account,
    /// Each device. Operations of no device share one.
    Device,
    /// Each key.
    Key,
}

/// A time that a limit is for. It begins when the last one ended, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyWindow)]
pub enum Window {
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
    /// Twenty-four hours.
    Day,
    /// Seven days, from Monday.
    Week,
    /// A calendar month.
    Month,
    /// For ever.
    Lifetime,
}

/// What becomes of an operation that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyAction)]
pub enum Action {
    /// The sponsor pays.
    Allow,
    /// It does not.
    Deny,
    /// It does not, and the user may.
    UserPays,
    /// Its own server decides.
    Ask(Webhook),
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyWebhook)]
pub struct Webhook {
    /// By `https`.
    #[schema(pattern = "^https://")]
    pub url: Url,
    /// How long it may take.
    #[schema(minimum = 1, maximum = 3_000)]
    pub timeout_ms: u32,
    /// What holds when it does not answer. There is no default: both can be wrong.
    pub on_failure: OnFailure,
}

/// What holds when a sponsor's server does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyOnFailure)]
pub enum OnFailure {
    /// The sponsor pays.
    Allow,
    /// It does not.
    Deny,
}

/// A document that is no policy.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Over the bound.
    #[error("the policy has {0} bytes; at most {DOCUMENT_BYTES_MAX} are possible")]
    TooLarge(usize),
    /// No JSON, or of another shape.
    #[error("the policy is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    /// Another version.
    #[error("the policy is of version {0}; 1 is known")]
    Version(u8),
    /// Too many rules.
    #[error("the policy has {0} rules; at most {RULES_MAX} are possible")]
    TooManyRules(usize),
    /// It ends before it starts.
    #[error("the policy ends before it starts")]
    NoTime,
    /// Two rules of one name.
    #[error("two rules are called `{rule}`")]
    RuleTwice {
        /// Which name.
        rule: RuleId,
        /// The place of the second one, from 0.
        place: usize,
    },
    /// A rule that makes no sense.
    #[error("rule `{rule}`: {fault}")]
    Rule {
        /// Which.
        rule: RuleId,
        /// Its place, from 0.
        place: usize,
        /// Why.
        fault: &'static str,
    },
}

impl DocumentError {
    /// Where in the document the fault is, as a JSON pointer; nothing for what could not be read as a document at all.
    pub fn pointer(&self) -> Option<String> {
        match self {
            Self::TooLarge(_) | Self::Invalid(_) => None,
            Self::Version(_) => Some("/version".to_owned()),
            Self::TooManyRules(_) => Some("/rules".to_owned()),
            Self::NoTime => Some("/ends_at".to_owned()),
            Self::RuleTwice { place, .. } => Some(format!("/rules/{place}/id")),
            Self::Rule { place, .. } => Some(format!("/rules/{place}")),
        }
    }
}

impl PolicyDocument {
    /// Reads a document and checks everything of it that needs nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return Err(DocumentError::TooLarge(bytes.len()));
        }
        let document: Self = serde_json::from_slice(bytes)?;
        document.check()?;
        Ok(document)
    }

    /// Checks of a document that was read what its shape does not say.
    pub fn check(&self) -> Result<(), DocumentError> {
        if self.version != 1 {
            return Err(DocumentError::Version(self.version));
        }
        if self.rules.len() > RULES_MAX {
            return Err(DocumentError::TooManyRules(self.rules.len()));
        }
        if matches!((self.starts_at, self.ends_at), (Some(start), Some(end)) if end <= start) {
            return Err(DocumentError::NoTime);
        }
        let mut names = BTreeSet::new();
        for (place, rule) in self.rules.iter().enumerate() {
            let id = || rule.id.clone();
            if !names.insert(&rule.id) {
                return Err(DocumentError::RuleTwice { rule: id(), place });
            }
            let fault = |fault| DocumentError::Rule { rule: id(), place, fault };
            rule.fault().map_or(Ok(()), |why| Err(fault(why)))?;
        }
        Ok(())
    }
}

impl Rule {
    fn fault(&self) -> Option<&'static str> {
        let Conditions { calls, keys, accounts, classes, deploys, devices, networks, origins } =
            &self.when;
        let is_empty = [
            calls.as_ref().is_some_and(Vec::is_empty),
            keys.as_ref().is_some_and(BTreeSet::is_empty),
            accounts.as_ref().is_some_and(BTreeSet::is_empty),
            classes.as_ref().is_some_and(BTreeSet::is_empty),
            devices.as_ref().is_some_and(BTreeSet::is_empty),
            networks.as_ref().is_some_and(Vec::is_empty),
            origins.as_ref().is_some_and(BTreeSet::is_empty),
        ];
        if is_empty.contains(&true) {
            return Some("a list of nothing fits nothing; leave the condition out, or fill it");
        }
        let pays = matches!(self.action, Action::Allow | Action::Ask(_));
        if pays && *deploys && classes.is_none() {
            return Some("a rule that pays for deployments must name the classes");
        }
        if pays && calls.is_none() && !*deploys {
            return Some("a rule that pays must name the calls that it pays for");
        }
        if !pays && !self.limits.is_empty() {
            return Some("a rule that does not pay has nothing to limit");
        }
        match &self.action {
            Action::Ask(webhook) if webhook.url.scheme() != "https" => {
                Some("a webhook must be https")
            }
            Action::Ask(Webhook { timeout_ms, .. })
                if !(1..=WEBHOOK_TIMEOUT_MS_MAX).contains(timeout_ms) =>
            {
                Some("a webhook has 1 to 3000 ms")
            }
            _ => None,
        }
    }
}
