//! Claim tokens as the servers of sponsors make, see and revoke them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{present::present, whole::whole};
use crate::{id::ClaimTokenId, serial::Serial};

/// Asks for a claim token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateClaimToken {
    /// What people know it by: 1 to 64 characters, none of them a control character.
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,64}$")]
    pub name: String,
    /// How many devices it may enrol.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub claims: u32,
    /// How long it lives, in seconds: at most 366 days.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub expires_in_s: u32,
    /// The only serials that it is good for, each once. Without them, it is good for every serial.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeSet<Serial>>, min_items = 1, max_items = 1_000)]
    pub serials: Option<Vec<Serial>>,
}

/// A claim token, this once with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewClaimToken {
    /// To revoke it by.
    pub id: ClaimTokenId,
    /// What devices claim with: `clm_` and 48 hexadecimal digits.
    pub claim_token: String,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// A claim token, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimToken {
    /// Its id.
    pub id: ClaimTokenId,
    /// What people know it by.
    pub name: String,
    /// How many devices it may still enrol, as long as it is neither over nor revoked.
    pub claims_left: u32,
    /// How many it could at first.
    pub claims_max: u32,
    /// For how many serials it is good, when it is not for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serials_count: Option<u32>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ends, or ended, by itself.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When it was revoked, if it was.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<OffsetDateTime>,
}

/// Some of a sponsor's claim tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimTokenPage {
    /// Newest first, those that ended too.
    pub data: Vec<ClaimToken>,
    /// Whether there are more behind them.
    pub has_more: bool,
    /// Where the next page begins, when there is one: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<ClaimTokenId>,
}
