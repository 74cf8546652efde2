//! Who has paid, or owes, for operations.

use ciro_api::Address;
use tokio_postgres::Client;

use crate::{StoreError, database::word};

/// The accounts of sponsors for whom anything was carried in the last ninety days.
pub async fn with_operations(client: &Client) -> Result<Vec<Address>, StoreError> {
    let rows = client.query_typed(include_str!("with_operations.sql"), &[]).await?;
    rows.iter().map(|row| Ok(word(row, "address")?)).collect()
}
