//! Reads statements with their receipts. Never changes one.

use std::collections::HashMap;

use ciro_api::{
    Address, JobId, StatementId,
    rest::statements::{ReceiptLine, StatementDocument},
};
use tokio_postgres::{GenericClient, Row, types::Type};
use uuid::Uuid;

use crate::{
    StoreError,
    database::{count, word, word_or_null},
};

/// Which statements are wanted.
#[derive(Clone, Copy)]
pub(super) enum Which {
    /// This one.
    Id(StatementId),
    /// Those that wait for this worker, oldest first, at most so many.
    Waiting(Address, u32),
}

pub(super) async fn documents(
    client: &(impl GenericClient + Sync),
    which: Which,
) -> Result<Vec<StatementDocument>, StoreError> {
    let (id, worker, most) = match which {
        Which::Id(id) => (Some(id.0), None, 1),
        Which::Waiting(worker, most) => (None, Some(worker.to_string()), i64::from(most)),
    };
    let rows = client
        .query_typed(
            include_str!("documents.sql"),
            &[(&id, Type::UUID), (&worker, Type::TEXT), (&most, Type::INT8)],
        )
        .await?;
    let ids: Vec<Uuid> =
        rows.iter().map(|row| row.try_get("statement_id")).collect::<Result<_, _>>()?;
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
        receipts,
        tx_hash: word_or_null(row, "tx_hash")?,
    })
}
