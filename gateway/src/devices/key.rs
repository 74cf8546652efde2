//! The keys that devices have: which there are, and what they sign with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{Address, ErrorCode, Problem, PublicKey, rest::devices::PublicJwk};
use ed25519_dalek::VerifyingKey;
use jsonwebtoken::{Algorithm, DecodingKey};
use p256::{EncodedPoint, elliptic_curve::sec1::FromEncodedPoint};

use crate::problem::ApiError;

/// How a device's signature is checked.
pub(super) enum DeviceKey {
    /// JWTs of this one algorithm, whatever their header says.
    Jwt(Algorithm, DecodingKey),
    /// SNIP-12 messages of this account.
    Stark(PublicKey, Address),
}

/// The key, once it is known to be one.
pub(super) fn read(jwk: &PublicJwk) -> Result<DeviceKey, ApiError> {
    match jwk {
        PublicJwk::Ec { crv, x, y } if crv == "P-256" => p256(x, y),
        PublicJwk::Okp { crv, x } if crv == "Ed25519" => ed25519(x),
        PublicJwk::Stark { x, account } => Ok(DeviceKey::Stark(*x, *account)),
        PublicJwk::Ec { .. } => Err(bad("`EC` keys are taken on crv `P-256` alone")),
        PublicJwk::Okp { .. } => Err(bad("`OKP` keys are taken on crv `Ed25519` alone")),
    }
}

fn p256(x: &str, y: &str) -> Result<DeviceKey, ApiError> {
    let mut sec1 = vec![4_u8];
    sec1.extend(bytes(x)?);
    sec1.extend(bytes(y)?);
    let point = EncodedPoint::from_bytes(&sec1).map_err(|_| bad("not a point"))?;
    if Option::<p256::PublicKey>::from(p256::PublicKey::from_encoded_point(&point)).is_none() {
        return Err(bad("x and y are not a point of the curve"));
    }
    let key = DecodingKey::from_ec_components(x, y)
        .map_err(|e| ApiError::internal("reading a checked key", &e))?;
    Ok(DeviceKey::Jwt(Algorithm::ES256, key))
}

fn ed25519(x: &str) -> Result<DeviceKey, ApiError> {
    let point =
        VerifyingKey::from_bytes(&bytes(x)?).map_err(|_| bad("x is not a point of the curve"))?;
    // A key of small order has signatures that are good for any message.
    if point.is_weak() {
        return Err(bad("x is a point of small order"));
    }
    let key = DecodingKey::from_ed_components(x)
        .map_err(|e| ApiError::internal("reading a checked key", &e))?;
    Ok(DeviceKey::Jwt(Algorithm::EdDSA, key))
}

fn bytes(text: &str) -> Result<[u8; 32], ApiError> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or_else(|| bad("coordinates must be 32 bytes each in base64url without padding"))
}

fn bad(detail: &str) -> ApiError {
    let problem = Problem::new(ErrorCode::InvalidRequest, "the public key cannot be used");
    problem.at("/public_key", detail).into()
}
