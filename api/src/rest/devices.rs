//! Enrolment and tokens of devices.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{
    felt::{Address, Digest, PublicKey, Signature},
    id::{DeviceId, SponsorId},
    serial::Serial,
};

/// A public key as a JWK (RFC 7517, RFC 8037): P-256 as secure elements have it, Ed25519, or a key on Starknet's curve,
/// which no standard names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kty", deny_unknown_fields)]
pub enum PublicJwk {
    /// P-256. Signs JWTs with ES256.
    #[serde(rename = "EC")]
    Ec {
        /// `P-256`.
        #[schema(pattern = "^P-256$")]
        crv: String,
        /// x coordinate, base64url without padding.
        #[schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
        x: String,
        /// y coordinate, base64url without padding.
        #[schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
        y: String,
    },
    /// Ed25519. Signs JWTs with `EdDSA`.
    #[serde(rename = "OKP")]
    Okp {
        /// `Ed25519`.
        #[schema(pattern = "^Ed25519$")]
        crv: String,
        /// The public key, base64url without padding.
        #[schema(pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
        x: String,
    },
    /// Starknet's curve. Signs SNIP-12 messages, as wallets do.
    #[serde(rename = "STARK")]
    Stark {
        /// x coordinate.
        x: PublicKey,
        /// The account that the messages are signed for. A device without one names its key.
        account: Address,
    },
}

/// Asks to become a device of the sponsor that issued the claim token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The credential that came with the batch of devices.
    pub claim_token: String,
    /// The device's own serial, unique below its sponsor.
    pub serial: Serial,
    /// The key that the device made for itself.
    pub public_key: PublicJwk,
    /// Proof of possession.
    pub proof: ClaimProof,
}

/// Shows that the claimed key is the device's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ClaimProof {
    /// Of `EC` and `OKP` keys: a compact JWT by that key, ES256 or `EdDSA`, with `sub` = serial, `aud` = the gateway's issuer,
    /// `iat`, `exp` at most 300 s later, and `claim` = SHA-256 of the claim token in lower-case hex.
    Jwt(String),
    /// Of `STARK` keys: an answered challenge.
    Answer(ClaimAnswer),
}

/// A challenge for the claimed Stark key, and its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimAnswer {
    /// The challenge as given.
    pub challenge: Digest,
    /// Over the SNIP-12 message of `DeviceClaim`.
    pub signature: Signature,
}

/// Asks for a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChallengeRequest {
    /// The x coordinate of the Stark key that is to answer.
    pub key: PublicKey,
}

/// Answers a challenge; the reply is a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSessionRequest {
    /// The device.
    pub device: DeviceId,
    /// The challenge as given.
    pub challenge: Digest,
    /// Over the SNIP-12 message of `DeviceLogin`, by the device's key.
    pub signature: Signature,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The serial it claimed.
    pub serial: Serial,
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
    /// A compact JWT by the device's key, ES256 or `EdDSA`: `iss` = `sub` = device id, `aud` = the gateway's issuer, `iat`,
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
