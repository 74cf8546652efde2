//! Shows one statement.

use ciro_api::{StatementId, rest::statements::StatementDocument};
use tokio_postgres::GenericClient;

use super::document::{Which, documents};
use crate::StoreError;

/// The statement with this id.
pub async fn get(
    client: &(impl GenericClient + Sync),
    id: StatementId,
) -> Result<Option<StatementDocument>, StoreError> {
    Ok(documents(client, Which::Id(id)).await?.pop())
}
