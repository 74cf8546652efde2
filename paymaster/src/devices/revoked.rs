//! Ends the tokens of revoked devices, which would live on by themselves.

use ciro_api::{DeviceId, limits};
use tokio_postgres::{GenericClient, types::Type};

/// How long a revocation is kept, in seconds: the life of the last token, with the clocks of its gateway and of ours off by a minute each
/// from that of the database.
const KEPT_S: u64 = limits::TOKEN_TTL_S + 2 * limits::CLOCK_SKEW_S;

/// Ends a device here, from when the caller's transaction commits. Again changes nothing. It is the caller's to see that the
/// device gets no token any more.
pub async fn revoke(
    client: &impl GenericClient,
    device: DeviceId,
) -> Result<(), tokio_postgres::Error> {
    client.execute_typed(include_str!("revoke.sql"), &[(&device.0, Type::UUID)]).await?;
    Ok(())
}

/// Whether a device was revoked while a token of it could still be good.
pub async fn is_revoked(
    client: &impl GenericClient,
    device: DeviceId,
) -> Result<bool, tokio_postgres::Error> {
    let rows =
        client.query_typed(include_str!("is_revoked.sql"), &[(&device.0, Type::UUID)]).await?;
    Ok(!rows.is_empty())
}

/// Deletes revocations that no token outlives; says how many.
pub async fn forget(client: &impl GenericClient) -> Result<u64, tokio_postgres::Error> {
    let kept_s = i64::try_from(KEPT_S).unwrap_or(i64::MAX);
    client.execute_typed(include_str!("forget.sql"), &[(&kept_s, Type::INT8)]).await
}
