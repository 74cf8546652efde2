//! Writes a batch down before anybody sees it. Never sends.

use ciro_api::{Address, StatementId};
use ciro_contracts::{SignedStatement, SignedTransaction};
use tokio_postgres::{Client, types::Type};
use uuid::Uuid;

use super::{SettleError, Settler, candidates::candidates};
use crate::{
    StoreError,
    database::{bigint, word},
};

/// A recorded settlement.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its id.
    pub id: Uuid,
    /// How many statements it settles.
    pub statements: usize,
    /// The complete transaction.
    pub transaction: SignedTransaction,
}

impl Settler {
    /// Makes the next batch and commits it; nothing when no statement is ready.
    pub async fn record(&self, client: &mut Client) -> Result<Option<Batch>, SettleError> {
        let chosen = candidates(client, self.job_manager).await?;
        if chosen.is_empty() {
            return Ok(None);
        }
        let signed: Vec<SignedStatement> = chosen.iter().map(|c| c.signed).collect();
        let nonce = self.account.nonce().await?;
        let call = self.job_manager.settle(&signed);
        let transaction = self.account.prepare(vec![call], nonce).await?;
        let ids: Vec<StatementId> = chosen.iter().map(|c| c.id).collect();
        write(client, self.account.address(), &ids, transaction).await.map(Some)
    }
}

async fn write(
    client: &mut Client,
    operator: Address,
    statements: &[StatementId],
    transaction: SignedTransaction,
) -> Result<Batch, SettleError> {
    let hash = transaction.hash.to_string();
    let body = serde_json::to_value(&transaction)
        .map_err(|error| SettleError::Recorded(hash.clone(), error))?;
    let (operator, nonce) = (operator.to_string(), bigint(transaction.nonce));
    let ids: Vec<Uuid> = statements.iter().map(|id| id.0).collect();
    let tx = client.transaction().await?;
    let row = tx
        .query_typed_opt(
            include_str!("record.sql"),
            &[
                (&Uuid::now_v7(), Type::UUID),
                (&operator, Type::TEXT),
                (&nonce, Type::INT8),
                (&hash, Type::TEXT),
                (&body, Type::JSONB),
            ],
        )
        .await?;
    let id: Uuid = row.ok_or(SettleError::Raced)?.try_get(0)?;
    let taken = tx
        .execute_typed(include_str!("take.sql"), &[(&id, Type::UUID), (&ids, Type::UUID_ARRAY)])
        .await?;
    if usize::try_from(taken).ok() != Some(ids.len()) {
        return Err(SettleError::Raced);
    }
    tx.commit().await?;
    Ok(Batch { id, statements: ids.len(), transaction })
}

/// The batch that is not over, after closing those that are: all of their statements have an answer.
pub(super) async fn open(client: &Client, operator: Address) -> Result<Option<Batch>, SettleError> {
    client.batch_execute(include_str!("finish.sql")).await?;
    let operator = operator.to_string();
    let found =
        client.query_typed_opt(include_str!("open.sql"), &[(&operator, Type::TEXT)]).await?;
    let Some(row) = found else { return Ok(None) };
    let hash: String = word(&row, "tx_hash").map_err(StoreError::from)?;
    let statements: i64 = row.try_get("statements")?;
    let transaction = serde_json::from_value(row.try_get("transaction")?)
        .map_err(|error| SettleError::Recorded(hash, error))?;
    let statements = usize::try_from(statements).unwrap_or(0);
    Ok(Some(Batch { id: row.try_get("batch_id")?, statements, transaction }))
}
