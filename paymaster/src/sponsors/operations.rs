//! What a sponsor's operations came to: in all, by rule, by device and by key, and what its policy has refused.

use ciro_api::{
    DeviceId, SponsorId, SponsorKeyId,
    rest::operations::{
        DeviceOperations, KeyOperations, Operations, OperationsReport, RuleDenials, RuleOperations,
    },
};
use tokio_postgres::{
    GenericClient, Row,
    types::{ToSql, Type},
};

use crate::{
    StoreError,
    database::{count, word},
};

/// The report over the last `days` days in UTC, today included.
pub async fn operations(
    client: &impl GenericClient,
    sponsor: SponsorId,
    days: u32,
) -> Result<OperationsReport, StoreError> {
    let days_wanted = i32::try_from(days).unwrap_or(i32::MAX);
    let of: [(&(dyn ToSql + Sync), Type); 2] =
        [(&sponsor.0, Type::UUID), (&days_wanted, Type::INT4)];
    let in_all = client.query_typed_one(include_str!("operations/in_all.sql"), &of).await?;
    let by_rule = client.query_typed(include_str!("operations/by_rule.sql"), &of).await?;
    let by_device = client.query_typed(include_str!("operations/by_device.sql"), &of).await?;
    let by_key = client.query_typed(include_str!("operations/by_key.sql"), &of).await?;
    let denials = client.query_typed(include_str!("operations/denials.sql"), &of).await?;
    Ok(OperationsReport {
        days,
        in_all: read(&in_all)?,
        by_rule: by_rule
            .iter()
            .map(|row| Ok(RuleOperations { rule: row.try_get("rule_id")?, operations: read(row)? }))
            .collect::<Result<_, StoreError>>()?,
        by_device: by_device
            .iter()
            .map(|row| {
                let device = DeviceId(row.try_get("device_id")?);
                Ok(DeviceOperations { device, operations: read(row)? })
            })
            .collect::<Result<_, StoreError>>()?,
        by_key: by_key
            .iter()
            .map(|row| {
                let key = SponsorKeyId(row.try_get("key_id")?);
                Ok(KeyOperations { key, operations: read(row)? })
            })
            .collect::<Result<_, StoreError>>()?,
        denials: denials.iter().map(denial).collect::<Result<_, _>>()?,
    })
}

fn read(row: &Row) -> Result<Operations, StoreError> {
    Ok(Operations {
        succeeded: count(row, "succeeded")?,
        failed: count(row, "failed")?,
        dropped: count(row, "dropped")?,
        on_their_way: count(row, "on_their_way")?,
        cost_fri: word(row, "cost")?,
    })
}

fn denial(row: &Row) -> Result<RuleDenials, StoreError> {
    let rule: String = row.try_get("rule_id")?;
    Ok(RuleDenials {
        rule: Some(rule).filter(|rule| !rule.is_empty()),
        reason: row.try_get("reason")?,
        denials: count(row, "denials")?,
    })
}
