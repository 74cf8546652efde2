//! Keys that apps ask with for a sponsor's money: `key_<id>.<secret>`. Only a hash of the secret is stored, and it is compared
//! in constant time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{SponsorId, SponsorKeyId};
use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_postgres::{GenericClient, types::Type};
use uuid::Uuid;

/// How many days a key may live.
const DAYS_MAX: u16 = 366;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A key that was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// Its name.
    #[error("a key's name has 1 to {NAME_BYTES_MAX} bytes")]
    Name,
    /// Its life.
    #[error("a key lives 1 to {DAYS_MAX} days")]
    Days,
    /// No such sponsor.
    #[error("there is no sponsor {0}")]
    UnknownSponsor(SponsorId),
    /// The database did not answer or refused.
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Makes a key that lives so many days. Returns its text, which nobody can make again.
pub async fn create_sponsorship_key(
    client: &impl GenericClient,
    sponsor: SponsorId,
    name: &str,
    days: u16,
) -> Result<String, CreateKeyError> {
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Err(CreateKeyError::Name);
    }
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(CreateKeyError::Days);
    }
    let id = SponsorKeyId(Uuid::now_v7());
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let secret = URL_SAFE_NO_PAD.encode(random);
    let (hashed, days) = (hash(&secret).to_vec(), i32::from(days));
    let made = client
        .execute_typed(
            include_str!("create_sponsorship_key.sql"),
            &[
                (&id.0, Type::UUID),
                (&sponsor.0, Type::UUID),
                (&name, Type::TEXT),
                (&hashed, Type::BYTEA),
                (&days, Type::INT4),
            ],
        )
        .await?;
    if made == 1 {
        Ok(format!("{id}.{secret}"))
    } else {
        Err(CreateKeyError::UnknownSponsor(sponsor))
    }
}

/// Ends a key at once; says whether it was alive.
pub async fn revoke_sponsorship_key(
    client: &impl GenericClient,
    id: SponsorKeyId,
) -> Result<bool, tokio_postgres::Error> {
    let ended = client
        .execute_typed(include_str!("revoke_sponsorship_key.sql"), &[(&id.0, Type::UUID)])
        .await?;
    Ok(ended == 1)
}

/// Whose key this is, if it is one and lives.
pub async fn sponsor_of_key(
    client: &impl GenericClient,
    key: &str,
) -> Result<Option<(SponsorId, SponsorKeyId)>, tokio_postgres::Error> {
    let Some((id, secret)) = key.split_once('.') else { return Ok(None) };
    let Ok(id) = id.parse::<SponsorKeyId>() else { return Ok(None) };
    let rows =
        client.query_typed(include_str!("sponsorship_key.sql"), &[(&id.0, Type::UUID)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let stored: Vec<u8> = row.try_get("secret_sha256")?;
    if !bool::from(stored.as_slice().ct_eq(&hash(secret))) {
        return Ok(None);
    }
    Ok(Some((SponsorId(row.try_get("sponsor_id")?), id)))
}
