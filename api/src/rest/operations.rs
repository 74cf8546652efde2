//! What a sponsor's operations on chain came to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeviceId, Fri, SponsorKeyId};

/// Operations by how they stand, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operations {
    /// They did on chain what they were to do.
    pub succeeded: u64,
    /// They were undone on chain; their gas was paid all the same.
    pub failed: u64,
    /// They were never sent, and cost nothing.
    pub dropped: u64,
    /// They have not ended.
    pub on_their_way: u64,
    /// What those that ended did cost the sponsor.
    pub cost_fri: Fri,
}

/// Of one rule of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleOperations {
    /// Its name.
    pub rule: String,
    /// What came of it.
    #[serde(flatten)]
    pub operations: Operations,
}

/// Of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceOperations {
    /// Which.
    pub device: DeviceId,
    /// What came of it.
    #[serde(flatten)]
    pub operations: Operations,
}

/// Of one sponsorship key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyOperations {
    /// Which.
    pub key: SponsorKeyId,
    /// What came of it.
    #[serde(flatten)]
    pub operations: Operations,
}

/// How often the policy refused, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleDenials {
    /// The rule that decided; absent where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// As the client was told, like `policy_denied` or `limit_reached`.
    pub reason: String,
    /// How often.
    pub denials: u64,
}

/// What a sponsor's operations came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationsReport {
    /// Over how many days in UTC, today included.
    pub days: u32,
    /// All of them.
    pub in_all: Operations,
    /// By the rule that allowed them: the hundred that cost most.
    pub by_rule: Vec<RuleOperations>,
    /// By the device that asked, where one is known: the hundred that cost most.
    pub by_device: Vec<DeviceOperations>,
    /// By the key that they came with: the hundred that cost most.
    pub by_key: Vec<KeyOperations>,
    /// What the policy has refused, at build or at execute.
    pub denials: Vec<RuleDenials>,
}
