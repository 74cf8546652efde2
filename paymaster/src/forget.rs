//! Lets go of what is old, so that nothing grows for ever: operations that have ended, the transactions that carried them, counts of
//! windows that are over, what policies have refused, reputations of which nothing is left, and revocations that no token outlives.
//! The ledger is never forgotten.

use time::OffsetDateTime;
use tokio_postgres::{Client, types::Type};

use crate::{StoreError, devices, reputation};

/// How long all of it is kept: reports go back 31 days.
const KEPT_DAYS: i32 = 62;
/// How many rows go at a time, so that nobody waits for long.
const ROWS_MAX: i64 = 5_000;

/// How many rows have gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Operations.
    pub operations: u64,
    /// Transactions that carried operations.
    pub transactions: u64,
    /// Counts of limits.
    pub limits: u64,
    /// Counts of refusals.
    pub denials: u64,
    /// Reputations.
    pub reputations: u64,
    /// Revocations of devices.
    pub revocations: u64,
}

/// Forgets what is old, some thousands of each at most.
pub async fn forget(client: &Client, now: OffsetDateTime) -> Result<Forgotten, StoreError> {
    let days: (&(dyn tokio_postgres::types::ToSql + Sync), Type) = (&KEPT_DAYS, Type::INT4);
    let few = [days.clone(), (&ROWS_MAX, Type::INT8)];
    let days = [days];
    Ok(Forgotten {
        operations: client.execute_typed(include_str!("forget/operations.sql"), &few).await?,
        // After the operations, which hold them.
        transactions: client.execute_typed(include_str!("forget/transactions.sql"), &few).await?,
        limits: client.execute_typed(include_str!("forget/limits.sql"), &days).await?,
        denials: client.execute_typed(include_str!("forget/denials.sql"), &days).await?,
        reputations: reputation::forget(client, now).await?,
        revocations: devices::forget(client).await?,
    })
}
