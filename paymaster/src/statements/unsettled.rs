//! What a worker is still to be paid for.

use ciro_api::{
    Address, StatementId,
    rest::statements::{StatementDocument, StatementPage},
};
use tokio_postgres::{GenericClient, types::Type};
use uuid::Uuid;

use super::document::{documents, ids};
use crate::StoreError;

/// This worker's statements that are neither settled nor voided, in the order of their ids, at most `limit` behind
/// `after`.
pub async fn unsettled(
    client: &(impl GenericClient + Sync),
    worker: Address,
    after: Option<StatementId>,
    limit: u32,
) -> Result<StatementPage, StoreError> {
    let (worker, after) = (worker.to_string(), after.map(|id| id.0));
    // One more than is shown tells whether there are more.
    let most = i64::from(limit) + 1;
    let rows = client
        .query_typed(
            include_str!("unsettled.sql"),
            &[(&worker, Type::TEXT), (&after, Type::UUID), (&most, Type::INT8)],
        )
        .await?;
    let mut found: Vec<Uuid> = ids(&rows)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > shown;
    found.truncate(shown);
    let next_after = found.last().filter(|_| has_more).copied().map(StatementId);
    let mut data: Vec<StatementDocument> = documents(client, &found).await?;
    data.sort_by_key(|document| document.id);
    Ok(StatementPage { data, has_more, next_after })
}
