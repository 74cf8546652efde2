//! What a worker should countersign next.

use ciro_api::{Address, rest::statements::StatementDocument};
use tokio_postgres::GenericClient;

use super::document::{Which, documents};
use crate::StoreError;

/// The statements that wait for this worker's countersignature, oldest first, at most `limit`.
pub async fn pending(
    client: &(impl GenericClient + Sync),
    worker: Address,
    limit: u32,
) -> Result<Vec<StatementDocument>, StoreError> {
    documents(client, Which::Waiting(worker, limit)).await
}
