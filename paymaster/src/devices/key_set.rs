//! The keys that the gateways publish (RFC 7517), and what a token says that one of them has signed.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{DeviceId, SponsorId, limits};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use lru::LruCache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Device, TokenError};

const AUDIENCE: &str = "ciro";

/// Longest token that is looked at. Ours have some 500 bytes.
const TOKEN_BYTES_MAX: usize = 2_048;

/// Longest life that a token may have left, in seconds: what one gets, and what its gateway's clock may be ahead of ours. A
/// revocation is forgotten after that, so a longer life would outlive it.
const LIFE_LEFT_S_MAX: u64 = limits::TOKEN_TTL_S + limits::CLOCK_SKEW_S;

/// What was published is no set of keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeySetError {
    #[error("it is no JSON Web Key Set")]
    Document(#[from] serde_json::Error),
    #[error("it has {0} keys; 1 to {max} are taken", max = limits::TOKEN_KEYS_MAX)]
    Count(usize),
    #[error("its key {0} is no Ed25519 key")]
    Key(String),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    kty: String,
    crv: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    kid: Option<String>,
    x: Option<String>,
}

/// The claims that count. Issuer and audience are compared before.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    role: String,
    sponsor: Option<SponsorId>,
    exp: u64,
}

/// A token of which only the name of its key was read.
pub(super) struct Token<'a> {
    text: &'a str,
    pub(super) key_id: String,
}

impl<'a> Token<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Foreign);
        }
        let header = decode_header(text).map_err(|_| TokenError::Foreign)?;
        // A token cannot choose a weaker one, or none.
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Foreign);
        }
        Ok(Self { text, key_id: header.kid.ok_or(TokenError::Foreign)? })
    }
}

/// What was published once.
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// Tokens whose signature was checked with these keys, by their hash, with the second they end in. They go with the keys: no
    /// token of one that was dropped is left in.
    checked: Mutex<LruCache<[u8; 32], (Device, u64)>>,
}

struct Key {
    id: String,
    x: String,
    decoding: DecodingKey,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl KeySet {
    /// Reads a set. Keys of other kinds are passed over, as the standard asks.
    pub(super) fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(body)?;
        let keys: Vec<Key> =
            document.keys.into_iter().filter_map(Key::of).collect::<Result<_, _>>()?;
        if !(1..=limits::TOKEN_KEYS_MAX).contains(&keys.len()) {
            return Err(KeySetError::Count(keys.len()));
        }
        Ok(Self { keys, checked: Mutex::new(LruCache::new(limits::TOKENS_REMEMBERED_MAX)) })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.ids().any(|known| known == id)
    }

    /// Whether these are the same keys under the same names.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let named = |set: &Self| -> Vec<(String, String)> {
            set.keys.iter().map(|key| (key.id.clone(), key.x.clone())).collect()
        };
        named(self) == named(other)
    }

    /// The device that the token speaks for at this second.
    pub(super) fn check(
        &self,
        token: &Token<'_>,
        issuer: &str,
        now: i64,
    ) -> Result<Device, TokenError> {
        let now = u64::try_from(now).map_err(|_| TokenError::Over)?;
        let hash: [u8; 32] = Sha256::digest(token.text).into();
        let checked = || self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = checked().get(&hash).copied();
        let (device, ends) = match known {
            Some(known) => known,
            None => self.claimed(token, issuer)?,
        };
        if ends <= now {
            return Err(TokenError::Over);
        }
        if ends - now > LIFE_LEFT_S_MAX {
            return Err(TokenError::Foreign);
        }
        if known.is_none() {
            checked().put(hash, (device, ends));
        }
        Ok(device)
    }

    /// What is signed, and until when. The caller looks at the clock.
    fn claimed(&self, token: &Token<'_>, issuer: &str) -> Result<(Device, u64), TokenError> {
        let key = self.keys.iter().find(|key| key.id == token.key_id).ok_or(TokenError::Foreign)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.leeway = 0;
        rules.validate_exp = false;
        let Claims { sub, role, sponsor, exp } =
            decode(token.text, &key.decoding, &rules).map_err(|_| TokenError::Foreign)?.claims;
        match (role.as_str(), sponsor) {
            ("device", Some(sponsor)) => {
                let id: DeviceId = sub.parse().map_err(|_| TokenError::Foreign)?;
                Ok((Device { id, sponsor }, exp))
            }
            ("device", None) => Err(TokenError::Foreign),
            _ => Err(TokenError::NotADevice),
        }
    }
}

impl Key {
    /// The key, where it is one that signs as ours do.
    fn of(listed: Listed) -> Option<Result<Self, KeySetError>> {
        let signs = listed.used_for.as_deref().is_none_or(|used_for| used_for == "sig");
        let is_ed25519 = listed.kty == "OKP" && listed.crv.as_deref() == Some("Ed25519");
        let id = listed.kid.filter(|_| signs && is_ed25519)?;
        let x = listed.x.unwrap_or_default();
        let is_point = URL_SAFE_NO_PAD.decode(&x).is_ok_and(|bytes| bytes.len() == 32);
        match DecodingKey::from_ed_components(&x) {
            Ok(decoding) if is_point => Some(Ok(Self { id, x, decoding })),
            _ => Some(Err(KeySetError::Key(id))),
        }
    }
}
