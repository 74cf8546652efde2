//! The key that signs tokens, and the tokens. One Ed25519 key shared by all replicas; others check with the JWKS.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{
    Address, DeviceId, ErrorCode, LeaseId, SponsorId, WebhookSecretId, limits, rest::devices::Token,
};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::ErrorKind,
};
use lru::LruCache;
use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::problem::ApiError;

const AUDIENCE: &str = "ciro";

/// Whom a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An enrolled device.
    Device { id: DeviceId, sponsor: SponsorId },
    /// A registered worker.
    Worker { address: Address },
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sponsor: Option<SponsorId>,
    iat: i64,
    exp: i64,
}

/// The token key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not readable.
    #[error("the token key file `{0}` cannot be read")]
    Read(String, #[source] std::io::Error),
    /// Others can read it.
    #[error("the token key file `{0}` is readable by others; run chmod 600 on it")]
    Exposed(String),
    /// Not a key.
    #[error("the token key file `{0}` holds no Ed25519 key in PKCS#8 PEM")]
    Malformed(String),
    /// The library refused it.
    #[error("the token key cannot be used")]
    Unusable(#[from] jsonwebtoken::errors::Error),
}

/// Signs and checks tokens.
pub struct TokenKeys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: [u8; 32],
    key_id: String,
    issuer: String,
    secret: [u8; 32],
    /// Tokens whose signature was checked, by their hash, with the second they end in. Checking costs a thousand times
    /// more than looking here, and a device sends the same token for fifteen minutes.
    checked: Mutex<LruCache<[u8; 32], (Role, i64)>>,
}

impl TokenKeys {
    /// Reads the key file.
    pub fn read(path: &Path, issuer: &str) -> Result<Self, KeyError> {
        let name = path.display().to_string();
        let meta = fs::metadata(path).map_err(|e| KeyError::Read(name.clone(), e))?;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(name));
        }
        let pem = fs::read_to_string(path).map_err(|e| KeyError::Read(name.clone(), e))?;
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::Malformed(name))?;
        let public = key.verifying_key().to_bytes();
        let x = URL_SAFE_NO_PAD.encode(public);
        // RFC 7638: the thumbprint of the public key names it.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        let mut secret = Sha256::new_with_prefix(b"ciro gateway");
        secret.update(key.to_bytes());
        Ok(Self {
            encoding: EncodingKey::from_ed_pem(pem.as_bytes())?,
            decoding: DecodingKey::from_ed_components(&x)?,
            public,
            key_id: URL_SAFE_NO_PAD.encode(thumbprint),
            issuer: issuer.to_owned(),
            secret: secret.finalize().into(),
            checked: Mutex::new(LruCache::new(limits::TOKENS_REMEMBERED_MAX)),
        })
    }

    /// Who issues: what assertions must name as audience.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        let x = URL_SAFE_NO_PAD.encode(self.public);
        serde_json::json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.key_id, "x": x}
        ]})
    }

    pub(crate) fn issue(&self, role: Role) -> Result<Token, ApiError> {
        let (sub, role, sponsor) = match role {
            Role::Device { id, sponsor } => (id.to_string(), "device", Some(sponsor)),
            Role::Worker { address } => (address.to_string(), "worker", None),
        };
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub,
            role: role.to_owned(),
            sponsor,
            iat: now,
            exp: now.saturating_add_unsigned(limits::TOKEN_TTL_S),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key_id.clone());
        let access_token = encode(&header, &claims, &self.encoding)
            .map_err(|e| ApiError::internal("signing a token", &e))?;
        Ok(Token { access_token, token_type: "Bearer".to_owned(), expires_in: limits::TOKEN_TTL_S })
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Role, ApiError> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let known = self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
        if let Some((role, _)) = known.filter(|(_, ends)| now < *ends) {
            return Ok(role);
        }
        let (role, ends) = self.check(token)?;
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).put(hash, (role, ends));
        Ok(role)
    }

    fn check(&self, token: &str) -> Result<(Role, i64), ApiError> {
        // One algorithm, so a token cannot choose a weaker one.
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.leeway = 0;
        let claims =
            decode::<Claims>(token, &self.decoding, &rules).map_err(|e| refuse(&e))?.claims;
        let invalid = || ApiError::new(ErrorCode::InvalidToken, "the token names nobody we know");
        let role = match (claims.role.as_str(), claims.sponsor) {
            ("device", Some(sponsor)) => {
                Role::Device { id: claims.sub.parse().map_err(|_| invalid())?, sponsor }
            }
            ("worker", None) => {
                Role::Worker { address: claims.sub.parse().map_err(|_| invalid())? }
            }
            _ => return Err(invalid()),
        };
        Ok((role, claims.exp))
    }

    /// The lease id of one lease request: the same request gives the same id, and nobody can guess it.
    pub(crate) fn lease_id(&self, worker: Address, request: Uuid) -> LeaseId {
        let id = self.keyed("lease id", &[&worker.0.to_bytes_be(), request.as_bytes()]);
        LeaseId(uuid::Builder::from_custom_bytes(id).into_uuid())
    }

    /// What webhooks are signed with under this id. Made again whenever it is needed, so that no database holds it.
    pub(crate) fn webhook_secret(&self, id: WebhookSecretId) -> [u8; 32] {
        let mut secret = [0_u8; 32];
        secret[..16].copy_from_slice(&self.keyed("webhook secret, first", &[id.0.as_bytes()]));
        secret[16..].copy_from_slice(&self.keyed("webhook secret, second", &[id.0.as_bytes()]));
        secret
    }

    /// 128 bits that only holders of this key can make. The parts of one `purpose` always have the same lengths.
    pub(super) fn keyed(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut hash = Sha256::new_with_prefix(self.secret);
        hash.update(purpose);
        for part in parts {
            hash.update(part);
        }
        let mut made = [0_u8; 16];
        made.copy_from_slice(&hash.finalize()[..16]);
        made
    }
}

fn refuse(error: &jsonwebtoken::errors::Error) -> ApiError {
    match error.kind() {
        ErrorKind::ExpiredSignature => ApiError::new(
            ErrorCode::TokenExpired,
            "the token is over; get a new one and repeat the request",
        ),
        _ => ApiError::new(
            ErrorCode::InvalidToken,
            "the token is not one of ours, or was changed on the way",
        ),
    }
}

/// A fresh token key in PKCS#8 PEM, for whoever sets up a network.
pub fn generate_pem() -> Result<String, KeyError> {
    let mut seed = [0_u8; 32];
    rand::rng().fill_bytes(&mut seed);
    let pem = SigningKey::from_bytes(&seed)
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| KeyError::Malformed("a fresh key".to_owned()))?;
    Ok(pem.to_string())
}
