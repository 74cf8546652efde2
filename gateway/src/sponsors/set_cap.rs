//! Caps how many jobs of a sponsor run at once in each pool. Every walk of the reconciler tells the index.

use std::num::NonZeroU16;

use ciro_api::SponsorId;
use tokio_postgres::GenericClient;

use crate::database::DatabaseError;

/// Sets the cap; `None` lifts it. Jobs that are within reach of the workers already stay so.
pub async fn set_cap(
    client: &impl GenericClient,
    sponsor: SponsorId,
    running_max: Option<NonZeroU16>,
) -> Result<(), DatabaseError> {
    match running_max {
        None => {
            client.execute("DELETE FROM sponsor_cap WHERE sponsor_id = $1", &[&sponsor.0]).await?
        }
        Some(cap) => {
            let cap = i32::from(cap.get());
            client.execute(include_str!("set_cap.sql"), &[&sponsor.0, &cap]).await?
        }
    };
    Ok(())
}
