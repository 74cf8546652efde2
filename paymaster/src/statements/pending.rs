//! What a worker should countersign next.

use ciro_api::{Address, rest::statements::StatementDocument};
use tokio_postgres::{GenericClient, types::Type};

use super::document::{documents, ids};
use crate::StoreError;

/// The statements that the operator has signed and that wait for this worker's countersignature, oldest first, at
/// most `limit`.
pub async fn pending(
    client: &(impl GenericClient + Sync),
    worker: Address,
    limit: u32,
) -> Result<Vec<StatementDocument>, StoreError> {
    let worker = worker.to_string();
    let rows = client
        .query_typed(
            include_str!("pending.sql"),
            &[(&worker, Type::TEXT), (&i64::from(limit), Type::INT8)],
        )
        .await?;
    documents(client, &ids(&rows)?).await
}
