//! Sponsors at the front desk: claim tokens for batches of devices, API keys, and what their servers may see.

mod create_key;
pub(crate) mod me;
mod revoke_key;
mod set_cap;
pub(crate) mod usage;

pub use create_key::{CreateKeyError, CreatedKey, NewKey, create_key};
pub use revoke_key::revoke_key;
pub use set_cap::set_cap;

use ciro_api::{ErrorCode, SponsorId};
use ciro_paymaster::sponsors;
use rand::RngCore;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use tokio_postgres::GenericClient;

use crate::{app::App, database::DatabaseError, problem::ApiError};

/// What the ledger says of the sponsor.
async fn books(app: &App, id: SponsorId) -> Result<sponsors::Sponsor, ApiError> {
    let client = app.pg.get().await?;
    let found = sponsors::get(&**client, id).await.map_err(|e| ApiError::from_store(&e))?;
    found.ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("there is no sponsor {id}")))
}

/// Makes a claim token for `claims` devices. It is shown once; only its hash is stored.
pub async fn create_claim_token(
    client: &impl GenericClient,
    sponsor: SponsorId,
    claims: u16,
    ttl: Duration,
) -> Result<String, DatabaseError> {
    let mut secret = [0_u8; 24];
    rand::rng().fill_bytes(&mut secret);
    let token = format!("clm_{}", hex::encode(secret));
    let hash = Sha256::digest(token.as_bytes());
    let expires_at = OffsetDateTime::now_utc() + ttl;
    let insert = "INSERT INTO claim_token (token_sha256, sponsor_id, claims_left, expires_at) VALUES ($1, $2, $3, $4)";
    client
        .execute(insert, &[&hash.as_slice(), &sponsor.0, &i32::from(claims), &expires_at])
        .await?;
    Ok(token)
}
