//! Reads statements with their receipts. Never changes one.

use std::collections::HashMap;

use ciro_api::{
    JobId, Signature, StatementId,
    rest::statements::{ReceiptLine, StatementDocument},
};
use tokio_postgres::{GenericClient, Row, types::Type};
use uuid::Uuid;

use crate::{
    StoreError,
    database::{count, word, word_or_null},
};

/// The ids in these rows.
pub(super) fn ids(rows: &[Row]) -> Result<Vec<Uuid>, StoreError> {
    Ok(rows.iter().map(|row| row.try_get("statement_id")).collect::<Result<_, _>>()?)
}

/// These statements, oldest first.
pub(super) async fn documents(
    client: &(impl GenericClient + Sync),
    statements: &[Uuid],
) -> Result<Vec<StatementDocument>, StoreError> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let rows = client
        .query_typed(include_str!("documents.sql"), &[(&statements, Type::UUID_ARRAY)])
        .await?;
    let ids = ids(&rows)?;
    let mut lines = lines(client, &ids).await?;
    rows.iter()
        .map(|row| {
            let receipts = lines.remove(&row.try_get("statement_id")?).unwrap_or_default();
            document(row, receipts)
        })
        .collect()
}

async fn lines(
    client: &(impl GenericClient + Sync),
    statements: &[Uuid],
) -> Result<HashMap<Uuid, Vec<ReceiptLine>>, StoreError> {
    let mut lines: HashMap<Uuid, Vec<ReceiptLine>> = HashMap::new();
    let rows =
        client.query_typed(include_str!("lines.sql"), &[(&statements, Type::UUID_ARRAY)]).await?;
    for row in &rows {
        lines.entry(row.try_get("statement_id")?).or_default().push(ReceiptLine {
            job: JobId(row.try_get("job_id")?),
            attestation: word(row, "attestation")?,
            amount_fri: word(row, "amount")?,
        });
    }
    Ok(lines)
}

fn signature(row: &Row, r: &'static str, s: &'static str) -> Result<Option<Signature>, StoreError> {
    let (r, s) = (word_or_null(row, r)?, word_or_null(row, s)?);
    Ok(r.zip(s).map(|(r, s)| Signature { r, s }))
}

fn document(row: &Row, receipts: Vec<ReceiptLine>) -> Result<StatementDocument, StoreError> {
    Ok(StatementDocument {
        id: StatementId(row.try_get("statement_id")?),
        status: word(row, "status")?,
        sponsor: word(row, "sponsor")?,
        worker: word(row, "worker")?,
        seq: count(row, "seq")?,
        count: count(row, "count")?,
        amount_fri: word(row, "amount")?,
        root: word(row, "root")?,
        contract: word(row, "contract")?,
        operator: word(row, "operator")?,
        operator_signature: signature(row, "operator_r", "operator_s")?,
        signature: signature(row, "signature_r", "signature_s")?,
        receipts,
        tx_hash: word_or_null(row, "tx_hash")?,
    })
}
