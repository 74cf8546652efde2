//! Sponsor policies as the servers of sponsors keep and try them. What a document says is the paymaster's to read; here it is
//! JSON that travels as it is, and in no other format.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{
    ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use super::{present::present, whole::whole};
use crate::{
    felt::{Address, Digest},
    id::{DeviceId, SponsorKeyId},
    money::Fri,
};

/// A revision of a sponsor's policy.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoredPolicy {
    /// Its number, from 1. The newest one holds.
    pub revision: u32,
    /// The document, as it was written.
    #[schema(schema_with = document)]
    pub document: Box<RawValue>,
}

/// What a policy was stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPolicy {
    /// The revision that it is. It holds until there is a newer one.
    pub revision: u32,
}

/// Asks what would be decided of an operation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainPolicy {
    /// A document in the place of the newest revision.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = document)]
    pub document: Option<Box<RawValue>>,
    /// What the account does, in order.
    pub calls: Vec<PolicyCall>,
    /// The account that acts.
    pub account: Address,
    /// Its class; without it, `0x0`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub class_hash: Option<Digest>,
    /// Whether the operation makes the account first; it does not, unless told.
    #[serde(default)]
    pub deploys: bool,
    /// The key that the operation comes with; without it, one that no rule names.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub key: Option<SponsorKeyId>,
    /// The device that asks.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The page that it comes from, as `https://game.example`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The address that it comes from.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-fA-F.:]{2,45}$")]
    pub from: Option<IpAddr>,
    /// Units of L2 gas that it takes; 0 unless told.
    #[serde(default, deserialize_with = "whole")]
    pub l2_gas: u64,
    /// What a unit costs; 0 unless told.
    #[serde(default)]
    pub l2_gas_price_fri: Fri,
    /// What it costs in all; 0 unless told.
    #[serde(default)]
    pub fee_fri: Fri,
}

/// One call of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyCall {
    /// The contract.
    pub to: Address,
    /// The function: its Cairo name, or `0x` and its selector.
    #[schema(pattern = "^([A-Za-z_][A-Za-z0-9_]{0,127}|0x[0-9a-fA-F]{1,63})$")]
    pub function: String,
    /// Felts, as `0x` and hexadecimal digits or as decimal digits; none unless told.
    #[serde(default)]
    pub calldata: Vec<String>,
}

/// What would be decided of an operation, and why. Limits are not looked at: what they have left changes all the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyExplanation {
    /// Of which revision; absent where the request had a document of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// What would be decided.
    pub decision: PolicyDecision,
    /// By which rule, if one decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The decision in words.
    pub explanation: String,
    /// Every rule, in order.
    pub rules: Vec<ExplainedRule>,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyDecision {
    /// The sponsor pays, within the rule's limits.
    Allow,
    /// The sponsor's server is asked.
    Ask,
    /// The sponsor does not pay, and the user may.
    UserPays,
    /// Nobody pays.
    Deny,
}

/// Whether a rule fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedRule {
    /// Its name.
    pub id: String,
    /// The first condition that is not met; absent where the rule fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<String>,
}

/// The paymaster describes it, and the gateway adds that to what it publishes.
fn document() -> RefOr<Schema> {
    let mut named = Ref::from_schema_name("PolicyDocument");
    "A policy, as its author writes it.".clone_into(&mut named.description);
    named.into()
}
