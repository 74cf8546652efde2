//! Forgets those of whom nothing is left to know, so that what is kept is bounded by who acted of late: nothing is left of one
//! operation after 11 days, nor of 5 STRK after 6 weeks.

use time::OffsetDateTime;
use tokio_postgres::{GenericClient, types::Type};

use super::decay::HOURS_OF_ONE;

/// How many are forgotten by one call at most: their rows stay locked until it ends.
pub const FORGOTTEN_AT_ONCE_MAX: u32 = 10_000;

/// Deletes rows whose counters have all decayed to nothing by `now`; says how many. Whoever got
/// [`FORGOTTEN_AT_ONCE_MAX`] asks again. Rows that somebody has locked are left for the next time, so that this waits for
/// nobody.
pub async fn forget(
    client: &impl GenericClient,
    now: OffsetDateTime,
) -> Result<u64, tokio_postgres::Error> {
    // No row is gone sooner: it counted an operation when it was last written.
    let untouched = now.saturating_sub(time::Duration::HOUR * HOURS_OF_ONE);
    let most = i64::from(FORGOTTEN_AT_ONCE_MAX);
    let rows = client
        .query_typed(
            include_str!("forget.sql"),
            &[(&now, Type::TIMESTAMPTZ), (&untouched, Type::TIMESTAMPTZ), (&most, Type::INT8)],
        )
        .await?;
    let forgotten = rows.first().map_or(Ok(0), |row| row.try_get::<_, i64>("forgotten"))?;
    Ok(u64::try_from(forgotten).unwrap_or(0))
}
