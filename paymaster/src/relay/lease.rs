//! Who may act for a relayer, and under which fencing token.

use std::time::Duration;

use ciro_api::Address;
use tokio_postgres::{Client, GenericClient, Transaction, types::Type};

use super::relayer::RelayError;

/// The number of a lease. It only rises, so what is written under an older one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence(pub(super) i64);

/// Takes the lease, or prolongs the one that is held; nothing where another process holds it. `able` says whether the relayer can
/// send, as far as it knows.
pub(super) async fn take(
    client: &Client,
    relayer: Address,
    held: Option<Fence>,
    ttl: Duration,
    able: bool,
) -> Result<Option<Fence>, RelayError> {
    let (relayer, held) = (relayer.to_string(), held.map_or(0, |fence| fence.0));
    let ttl_s = ttl.as_secs_f64();
    let row = client
        .query_typed_opt(
            include_str!("lease.sql"),
            &[
                (&relayer, Type::TEXT),
                (&held, Type::INT8),
                (&ttl_s, Type::FLOAT8),
                (&able, Type::BOOL),
            ],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0).map(Fence)).transpose()?)
}

/// Gives the lease back, so that the next process need not wait for its end.
pub(super) async fn give_back(
    client: &Client,
    relayer: Address,
    held: Fence,
) -> Result<(), RelayError> {
    let relayer = relayer.to_string();
    client
        .execute_typed(
            include_str!("give_back.sql"),
            &[(&relayer, Type::TEXT), (&held.0, Type::INT8)],
        )
        .await?;
    Ok(())
}

/// Makes sure, until `tx` ends, that nobody else has taken the lease.
pub(super) async fn guard(
    tx: &Transaction<'_>,
    relayer: Address,
    held: Fence,
) -> Result<(), RelayError> {
    let address = relayer.to_string();
    let rows = tx
        .query_typed(include_str!("guard.sql"), &[(&address, Type::TEXT), (&held.0, Type::INT8)])
        .await?;
    if rows.is_empty() { Err(RelayError::LeaseLost(relayer)) } else { Ok(()) }
}

/// Whether some process has a relayer that can send.
pub async fn is_anyone_able(client: &impl GenericClient) -> Result<bool, tokio_postgres::Error> {
    client.query_typed_one(include_str!("able.sql"), &[]).await?.try_get(0)
}
