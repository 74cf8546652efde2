//! API keys of sponsors' servers: `key_<id>.<secret>`. Only a hash of the secret is stored, and it is compared in
//! constant time. Each request reads the key's row, so a revoked key stops at once.

use ciro_api::{ErrorCode, SponsorId, SponsorKeyId, SponsorScope};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{app::App, database, problem::ApiError};

/// Whether a bearer token claims to be an API key.
pub(super) fn looks_like_one(token: &str) -> bool {
    token.starts_with(SponsorKeyId::PREFIX)
}

/// The hash that is stored of a secret. Plain SHA-256: the secret has 256 random bits and cannot be guessed.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whose key it is and what it allows.
pub(super) async fn check(
    app: &App,
    token: &str,
) -> Result<(SponsorId, Vec<SponsorScope>), ApiError> {
    // The same words for all: a stranger learns nothing about which keys exist.
    let refused =
        || ApiError::new(ErrorCode::InvalidToken, "the API key is unknown, over or revoked");
    let (id, secret) = token.split_once('.').ok_or_else(refused)?;
    let id: SponsorKeyId = id.parse().map_err(|_| refused())?;
    let client = app.pg.get().await?;
    let found = database::query_opt(&client, include_str!("sponsor_key.sql"), &[&id.0]).await?;
    let row = found.ok_or_else(refused)?;
    let stored: Vec<u8> = row.try_get("secret_sha256")?;
    if !bool::from(stored.as_slice().ct_eq(&hash(secret))) {
        return Err(refused());
    }
    let words: Vec<String> = row.try_get("scopes")?;
    let scopes = words.iter().map(|word| word.parse()).collect::<Result<_, _>>();
    let scopes = scopes.map_err(|e| ApiError::internal("reading an API key's scopes", &e))?;
    Ok((SponsorId(row.try_get("sponsor_id")?), scopes))
}
