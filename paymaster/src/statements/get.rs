//! Shows one statement.

use ciro_api::{StatementId, rest::statements::StatementDocument};
use tokio_postgres::GenericClient;

use super::document::documents;
use crate::StoreError;

/// The statement with this id.
pub async fn get(
    client: &(impl GenericClient + Sync),
    id: StatementId,
) -> Result<Option<StatementDocument>, StoreError> {
    Ok(documents(client, &[id.0]).await?.pop())
}
