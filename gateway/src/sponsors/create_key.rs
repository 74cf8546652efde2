//! Makes an API key for a sponsor's servers. Its text is shown once; only a hash of its secret is stored.

use ciro_api::{SponsorId, SponsorKeyId, SponsorScope, limits};
use rand::RngCore;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::auth::sponsor_key;

/// What a key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose.
    pub sponsor: SponsorId,
    /// For people, so that they know which one to revoke.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<SponsorScope>,
    /// How long it lives.
    pub days: u16,
}

/// A key, this once with its secret.
#[derive(Clone, Debug)]
pub struct CreatedKey {
    /// To revoke it by.
    pub id: SponsorKeyId,
    /// What goes behind `Authorization: Bearer`.
    pub text: String,
}

/// No key was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// No such sponsor.
    #[error("there is no sponsor {0}")]
    UnknownSponsor(SponsorId),
    /// A key that allows nothing.
    #[error("a key needs at least one scope")]
    NoScope,
    /// The name.
    #[error("the name of a key has 1 to {} bytes", limits::KEY_NAME_BYTES_MAX)]
    Name,
    /// The life.
    #[error("a key lives 1 to {} days", limits::KEY_DAYS_MAX)]
    Days,
    /// The database.
    #[error("could not store the key")]
    Database(#[from] tokio_postgres::Error),
}

/// Makes a key.
pub async fn create_key(
    client: &impl GenericClient,
    key: &NewKey,
) -> Result<CreatedKey, CreateKeyError> {
    if !(1..=limits::KEY_NAME_BYTES_MAX).contains(&key.name.len()) {
        return Err(CreateKeyError::Name);
    }
    if !(1..=limits::KEY_DAYS_MAX).contains(&key.days) {
        return Err(CreateKeyError::Days);
    }
    if key.scopes.is_empty() {
        return Err(CreateKeyError::NoScope);
    }
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let (id, secret) = (SponsorKeyId(Uuid::now_v7()), hex::encode(bytes));
    let hash = sponsor_key::hash(&secret);
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let stored = client
        .execute(
            include_str!("create_key.sql"),
            &[&id.0, &key.sponsor.0, &key.name, &hash.as_slice(), &scopes, &i32::from(key.days)],
        )
        .await?;
    if stored == 0 {
        return Err(CreateKeyError::UnknownSponsor(key.sponsor));
    }
    Ok(CreatedKey { id, text: format!("{id}.{secret}") })
}
