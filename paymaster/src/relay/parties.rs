//! Who has part in an operation, and in whose reputation it counts.

use ciro_api::{DeviceId, OperationId, felt::Digest};
use tokio_postgres::{Row, Transaction, types::Type};
use uuid::Uuid;

use super::relayer::RelayError;
use crate::{database::word, reputation::Subject};

/// Of a row with the operation's account, class and device.
pub(super) fn subjects(row: &Row) -> Result<Vec<Subject>, RelayError> {
    let class: Digest = word(row, "class_hash")?;
    let mut subjects = vec![Subject::Account(word(row, "account")?), Subject::Class(class.0)];
    let device: Option<Uuid> = row.try_get("device_id")?;
    subjects.extend(device.map(|id| Subject::Device(DeviceId(id))));
    Ok(subjects)
}

/// Of each of these.
pub(super) async fn of(
    tx: &Transaction<'_>,
    operations: impl Iterator<Item = OperationId>,
) -> Result<Vec<Vec<Subject>>, RelayError> {
    let ids: Vec<Uuid> = operations.map(|id| id.0).collect();
    let rows = tx.query_typed(include_str!("parties.sql"), &[(&ids, Type::UUID_ARRAY)]).await?;
    rows.iter().map(subjects).collect()
}
