//! A device: a fresh P-256 key, no account, no token, no STRK.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{
    DeviceId,
    rest::devices::{ClaimProof, ClaimRequest, Device as Enrolled, PublicJwk, Token, TokenRequest},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::{
    SecretKey,
    elliptic_curve::rand_core::OsRng,
    elliptic_curve::sec1::ToEncodedPoint,
    pkcs8::{EncodePrivateKey, LineEnding},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::client::{Gateway, answer};
use crate::dev::network::Network;

/// An enrolled device with a live token.
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its serial.
    pub serial: String,
    /// Its bearer token.
    pub token: String,
}

impl Device {
    /// Makes a key, claims an enrolment with it and gets a token.
    pub async fn enrol(gateway: &Gateway, network: &Network) -> anyhow::Result<Self> {
        Self::claim(gateway, &network.issuer, &network.claim_token).await
    }

    /// The same for whoever knows only the issuer and a claim token.
    pub async fn claim(gateway: &Gateway, issuer: &str, claim_token: &str) -> anyhow::Result<Self> {
        let serial = format!("demo-{}", Uuid::new_v4().simple());
        let secret = SecretKey::random(&mut OsRng);
        Self::claim_with(gateway, issuer, claim_token, &secret, serial).await
    }

    /// The same with a key and a serial that there are already.
    pub async fn claim_with(
        gateway: &Gateway,
        issuer: &str,
        claim_token: &str,
        secret: &SecretKey,
        serial: String,
    ) -> anyhow::Result<Self> {
        let signing = EncodingKey::from_ec_pem(secret.to_pkcs8_pem(LineEnding::LF)?.as_bytes())?;
        let point = secret.public_key().to_encoded_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| {
            bytes.map(|b| URL_SAFE_NO_PAD.encode(b)).unwrap_or_default()
        };
        let public_key = PublicJwk::Ec {
            crv: "P-256".to_owned(),
            x: coordinate(point.x()),
            y: coordinate(point.y()),
        };
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claim = hex::encode(Sha256::digest(claim_token.as_bytes()));
        let es256 = Header::new(Algorithm::ES256);
        let proof = encode(
            &es256,
            &json!({"sub": serial, "aud": issuer, "iat": now, "exp": now + 120, "claim": claim}),
            &signing,
        )?;
        let request = ClaimRequest {
            claim_token: claim_token.to_owned(),
            serial: serial.parse()?,
            public_key,
            proof: ClaimProof::Jwt(proof),
        };
        let enrolled: Enrolled = answer(gateway.post("/v1/devices/claim").json(&request)).await?;
        let id = enrolled.id.to_string();
        let assertion = encode(
            &es256,
            &json!({"iss": id, "sub": id, "aud": issuer, "iat": now, "exp": now + 120, "jti": Uuid::new_v4()}),
            &signing,
        )?;
        let form = TokenRequest {
            grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned(),
            assertion,
        };
        let token: Token = answer(gateway.post("/v1/devices/token").form(&form)).await?;
        Ok(Self { id: enrolled.id, serial, token: token.access_token })
    }
}
