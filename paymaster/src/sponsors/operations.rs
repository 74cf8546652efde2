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
use uuid::Uuid;

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
    let totals = client.query_typed(include_str!("operations/totals.sql"), &of).await?;
    let denials = client.query_typed(include_str!("operations/denials.sql"), &of).await?;
    let mut report = OperationsReport {
        days,
        in_all: Operations::default(),
        by_rule: Vec::new(),
        by_device: Vec::new(),
        by_key: Vec::new(),
        denials: denials.iter().map(denial).collect::<Result<_, _>>()?,
    };
    for row in &totals {
        add(&mut report, row)?;
    }
    Ok(report)
}

/// The row is of what it names; the one that names nothing is of all.
fn add(report: &mut OperationsReport, row: &Row) -> Result<(), StoreError> {
    let operations = read(row)?;
    let rule: Option<String> = row.try_get("rule_id")?;
    let device: Option<Uuid> = row.try_get("device_id")?;
    let key: Option<Uuid> = row.try_get("key_id")?;
    match (rule, device, key) {
        (Some(rule), _, _) => report.by_rule.push(RuleOperations { rule, operations }),
        (_, Some(id), _) => {
            report.by_device.push(DeviceOperations { device: DeviceId(id), operations });
        }
        (_, _, Some(id)) => {
            report.by_key.push(KeyOperations { key: SponsorKeyId(id), operations });
        }
        (None, None, None) => report.in_all = operations,
    }
    Ok(())
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
