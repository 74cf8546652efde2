//! Turns held money into spent money: the chain has settled a statement.

use ciro_api::StatementId;
use tokio_postgres::{Transaction, types::Type};

use crate::{StoreError, database::count};

/// Posts the holds of every receipt in `statement`; returns how many there were. The second time, none.
pub(crate) async fn post(tx: &Transaction<'_>, statement: StatementId) -> Result<u64, StoreError> {
    let row = tx.query_typed_one(include_str!("post.sql"), &[(&statement.0, Type::UUID)]).await?;
    Ok(count(&row, "jobs")?)
}
