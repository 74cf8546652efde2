//! Counts what policies refuse, for the sponsors' reports.

use ciro_api::{SponsorId, SponsorKeyId};
use tokio_postgres::types::Type;

use super::desk::Desk;
use crate::snip29::Fault;

/// Counts a fault that is a sponsor's refusal. A count that fails is told and changes nothing: the client has its answer either
/// way.
pub(super) async fn note(desk: &Desk, (sponsor, key): (SponsorId, SponsorKeyId), fault: &Fault) {
    let Some((reason, rule)) = fault.denial() else { return };
    if let Err(error) = count(desk, sponsor, key, reason, rule.unwrap_or_default()).await {
        tracing::warn!(data = ?error.data, "a denial was not counted");
    }
}

async fn count(
    desk: &Desk,
    sponsor: SponsorId,
    key: SponsorKeyId,
    reason: &str,
    rule: &str,
) -> Result<(), Fault> {
    let client = desk.client().await?;
    client
        .execute_typed(
            include_str!("denied.sql"),
            &[
                (&sponsor.0, Type::UUID),
                (&key.0, Type::UUID),
                (&rule, Type::TEXT),
                (&reason, Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}
