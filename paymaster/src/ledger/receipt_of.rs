//! The receipt of a job and its place in a statement, for whoever asked for the job.

use ciro_api::{JobId, rest::statements::ReceiptLine};
use tokio_postgres::{GenericClient, types::Type};

use crate::{
    StoreError,
    database::{count, word},
};

/// What `job` earned its worker, and its place among the receipts of its statement once that was closed; nothing unless
/// the job succeeded.
pub async fn receipt_of(
    client: &(impl GenericClient + Sync),
    job: JobId,
) -> Result<Option<(ReceiptLine, Option<u64>)>, StoreError> {
    let rows = client.query_typed(include_str!("receipt_of.sql"), &[(&job.0, Type::UUID)]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let line = ReceiptLine {
        job,
        attestation: word(row, "attestation")?,
        amount_fri: word(row, "amount")?,
    };
    let closed = row.try_get::<_, Option<i64>>("position")?.is_some();
    Ok(Some((line, if closed { Some(count(row, "position")?) } else { None })))
}
