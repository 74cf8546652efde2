//! Claim tokens: what a sponsor hands out with a batch of devices, so that they enrol below it.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use ciro_api::{ClaimTokenId, rest::claim_tokens::ClaimToken};
use tokio_postgres::Row;

use crate::database::DatabaseError;

fn read(row: &Row) -> Result<ClaimToken, DatabaseError> {
    let count = |column| -> Result<u32, DatabaseError> {
        Ok(u32::try_from(row.try_get::<_, i32>(column)?).unwrap_or(0))
    };
    let serials: Option<i32> = row.try_get("serials_count")?;
    Ok(ClaimToken {
        id: ClaimTokenId(row.try_get("claim_token_id")?),
        name: row.try_get("name")?,
        claims_left: count("claims_left")?,
        claims_max: count("claims_max")?,
        serials_count: serials.and_then(|count| count.try_into().ok()),
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}
