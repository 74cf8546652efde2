//! Ends an API key of a sponsor.

use ciro_api::SponsorKeyId;
use tokio_postgres::GenericClient;

/// Ends the key, for every request from now on. Tells whether it was live.
pub async fn revoke_key(
    client: &impl GenericClient,
    key: SponsorKeyId,
) -> Result<bool, tokio_postgres::Error> {
    Ok(client.execute(include_str!("revoke_key.sql"), &[&key.0]).await? == 1)
}
