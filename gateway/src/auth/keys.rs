//! The keys that sign tokens, and the tokens. All replicas share the keys; others check with the JWKS.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{Address, DeviceId, ErrorCode, SponsorId, limits, rest::devices::Token};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    errors::ErrorKind,
};
use lru::LruCache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{
    key_file::{self, KeyFileError},
    private_file::{self, PrivateFileError},
};
use crate::{app::App, problem::ApiError};

const AUDIENCE: &str = "ciro";

/// How long a change of the key file stays unseen at most.
const LOOK_AGAIN: Duration = Duration::from_millis(limits::TOKEN_KEYS_LAG_MS);

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

/// The token keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// Not keys.
    #[error("the token key file `{0}` cannot be used")]
    Keys(String, #[source] KeyFileError),
    /// The library refused one.
    #[error("a token key cannot be used")]
    Unusable(#[from] jsonwebtoken::errors::Error),
}

/// Signs and checks tokens.
pub struct TokenKeys {
    path: PathBuf,
    issuer: String,
    ring: RwLock<Arc<Ring>>,
}

/// The keys of the file as it was read last.
struct Ring {
    text: String,
    signing: EncodingKey,
    /// The signing one first.
    known: Vec<Known>,
    /// Tokens whose signature was checked with these keys, by their hash, with the second they end in. Checking costs a
    /// thousand times more than looking here, and a device sends the same token for fifteen minutes.
    checked: Mutex<LruCache<[u8; 32], (Role, i64)>>,
}

struct Known {
    id: String,
    x: String,
    decoding: DecodingKey,
}

impl TokenKeys {
    /// Reads the key file.
    pub fn read(path: &Path, issuer: &str) -> Result<Self, KeyError> {
        let text = private_file::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            issuer: issuer.to_owned(),
            ring: RwLock::new(Arc::new(Ring::of(path, text)?)),
        })
    }

    /// Who issues: what assertions must name as audience.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        let key = |known: &Known| {
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": known.id, "x": known.x
            })
        };
        let keys: Vec<_> = self.ring().known.iter().map(key).collect();
        serde_json::json!({ "keys": keys })
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again; whether it had changed. On an error the keys stay as they were.
    fn look_again(&self) -> Result<bool, KeyError> {
        let text = private_file::read(&self.path)?;
        if text == self.ring().text {
            return Ok(false);
        }
        let ring = Arc::new(Ring::of(&self.path, text)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(true)
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
        let ring = self.ring();
        header.kid = ring.known.first().map(|first| first.id.clone());
        let access_token = encode(&header, &claims, &ring.signing)
            .map_err(|e| ApiError::internal("signing a token", &e))?;
        Ok(Token { access_token, token_type: "Bearer".to_owned(), expires_in: limits::TOKEN_TTL_S })
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Role, ApiError> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        // What is remembered goes with the keys: no token of a dropped one is left in, even by a check under way.
        let ring = self.ring();
        let checked = || ring.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = checked().get(&hash).copied();
        if let Some((role, _)) = known.filter(|(_, ends)| now < *ends) {
            return Ok(role);
        }
        let (role, ends) = self.check(&ring, token)?;
        checked().put(hash, (role, ends));
        Ok(role)
    }

    fn check(&self, ring: &Ring, token: &str) -> Result<(Role, i64), ApiError> {
        // One algorithm, so a token cannot choose a weaker one.
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.leeway = 0;
        let invalid = || ApiError::new(ErrorCode::InvalidToken, "the token names nobody we know");
        let id = decode_header(token).map_err(|e| refuse(&e))?.kid.ok_or_else(foreign)?;
        let key = ring.known.iter().find(|known| known.id == id).ok_or_else(foreign)?;
        let claims = decode::<Claims>(token, &key.decoding, &rules).map_err(|e| refuse(&e))?.claims;
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
}

impl Ring {
    fn of(path: &Path, text: String) -> Result<Self, KeyError> {
        let name = || path.display().to_string();
        let keys = key_file::parse(&text).map_err(|e| KeyError::Keys(name(), e))?;
        let first = keys.first().ok_or_else(|| KeyError::Keys(name(), KeyFileError::Count(0)))?;
        let pem = first
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Keys(name(), KeyFileError::Malformed))?;
        let signing = EncodingKey::from_ed_pem(pem.as_bytes())?;
        let known = keys.iter().map(Known::of).collect::<Result<_, _>>()?;
        let checked = Mutex::new(LruCache::new(limits::TOKENS_REMEMBERED_MAX));
        Ok(Self { text, signing, known, checked })
    }
}

impl Known {
    fn of(key: &SigningKey) -> Result<Self, KeyError> {
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes());
        // RFC 7638: the thumbprint of the public key names it.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        let decoding = DecodingKey::from_ed_components(&x)?;
        Ok(Self { id: URL_SAFE_NO_PAD.encode(thumbprint), x, decoding })
    }
}

/// Takes over changes of the key file, until `stop`.
pub(crate) async fn forever(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
        match app.keys.look_again() {
            Ok(false) => {}
            Ok(true) => {
                let ids: Vec<String> =
                    app.keys.ring().known.iter().map(|known| known.id.clone()).collect();
                tracing::info!(?ids, "the token keys were replaced; the first one signs");
            }
            Err(error) => {
                tracing::error!(
                    cause = crate::problem::chain(&error),
                    "the token keys stay as they were"
                );
            }
        }
    }
}

fn refuse(error: &jsonwebtoken::errors::Error) -> ApiError {
    match error.kind() {
        ErrorKind::ExpiredSignature => ApiError::new(
            ErrorCode::TokenExpired,
            "the token is over; get a new one and repeat the request",
        ),
        _ => foreign(),
    }
}

fn foreign() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidToken,
        "the token is not one of ours, or was changed on the way",
    )
}
