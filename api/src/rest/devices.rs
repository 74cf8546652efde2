//! Enrolment and tokens of devices.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::id::{DeviceId, SponsorId};

/// A P-256 public key as a JWK (RFC 7517). Only this curve, what secure elements have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicJwk {
    /// `EC`.
    #[schema(pattern = "^EC$")]
    pub kty: String,
    /// `P-256`.
    #[schema(pattern = "^P-256$")]
    pub crv: String,
    /// x coordinate, base64url without padding.
    #[schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    pub x: String,
    /// y coordinate, base64url without padding.
    #[schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
    pub y: String,
}

/// Asks to become a device of the sponsor that issued the claim token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The credential that came with the batch of devices.
    pub claim_token: String,
    /// The device's own serial, unique below its sponsor.
    #[schema(pattern = "^[!-~]{1,64}$")]
    pub serial: String,
    /// The key that the device made for itself.
    pub public_key: PublicJwk,
    /// Proof of possession: a compact ES256 JWT by that key with `sub` = serial, `aud` = the gateway's issuer,
    /// `iat`, `exp` at most 300 s later, and `claim` = SHA-256 of the claim token in lower-case hex.
    pub proof: String,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The serial it claimed.
    pub serial: String,
    /// Who pays for it.
    pub sponsor: SponsorId,
    /// When its sponsor revoked it, if it did.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<OffsetDateTime>,
}

/// Some of a sponsor's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DevicePage {
    /// Newest first, revoked ones too.
    pub data: Vec<Device>,
    /// Whether there are more behind them.
    pub has_more: bool,
    /// Where the next page begins, when there is one: pass it as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<DeviceId>,
}

/// RFC 7523: a client assertion in exchange for a token. Sent as `application/x-www-form-urlencoded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    #[schema(pattern = "^urn:ietf:params:oauth:grant-type:jwt-bearer$")]
    pub grant_type: String,
    /// A compact ES256 JWT by the device's key: `iss` = `sub` = device id, `aud` = the gateway's issuer, `iat`,
    /// `exp` at most 300 s later, `jti` never used before.
    pub assertion: String,
}

/// A bearer token (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// What goes behind `Authorization: Bearer`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
}
