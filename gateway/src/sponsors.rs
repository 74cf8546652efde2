//! What an operator does for sponsors at the front desk: claim tokens for batches of devices.

use ciro_api::SponsorId;
use rand::RngCore;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use tokio_postgres::GenericClient;

use crate::database::DatabaseError;

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
