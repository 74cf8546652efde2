//! Sees an open batch through: sends it again, waits, or gives it up once it can never be included.

use ciro_contracts::TransactionOutcome;
use tokio_postgres::{Client, types::Type};

use super::{Batch, SettleError, Settler, Step};

/// Longest reason that is kept of a revert: they hold whole call stacks.
const REASON_CHARS_MAX: usize = 300;

impl Settler {
    /// Does what the open batch needs next.
    pub async fn resolve(&self, client: &mut Client, batch: &Batch) -> Result<Step, SettleError> {
        let chain = self.account.chain();
        let transaction = &batch.transaction;
        // The nonce is read before the status: if the transaction is still unknown after another one was seen to
        // have used the nonce, then ours can never be included.
        let nonce = chain.accepted_nonce(self.account.address()).await?;
        match chain.outcome(transaction.hash).await? {
            TransactionOutcome::Pending | TransactionOutcome::Succeeded => Ok(Step::Waiting),
            TransactionOutcome::Reverted(reason) => {
                self.fail(client, batch, &format!("reverted: {reason}")).await
            }
            TransactionOutcome::Unknown if nonce > transaction.nonce.into() => {
                self.fail(client, batch, "another transaction used its nonce").await
            }
            TransactionOutcome::Unknown => self.broadcast(client, batch).await,
        }
    }

    /// Hands the recorded transaction to the chain, as often as it takes.
    pub async fn broadcast(&self, client: &mut Client, batch: &Batch) -> Result<Step, SettleError> {
        match self.account.broadcast(&batch.transaction).await {
            Ok(()) => {
                tracing::info!(
                    tx_hash = %batch.transaction.hash,
                    statements = batch.statements,
                    "settlement sent"
                );
                Ok(Step::Sent(batch.statements))
            }
            Err(error) if error.is_rejection() => {
                // The next batch gets the same nonce, so at most one of the two is ever included.
                self.fail(client, batch, &error.to_string()).await
            }
            Err(error) => match error.refusal() {
                // Another copy is there, or the nonce has moved: the status tells which, next time.
                Some(_) => {
                    tracing::warn!(tx_hash = %batch.transaction.hash, %error, "settlement not taken");
                    Ok(Step::Waiting)
                }
                None => Err(error.into()),
            },
        }
    }

    async fn fail(
        &self,
        client: &Client,
        batch: &Batch,
        reason: &str,
    ) -> Result<Step, SettleError> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        client
            .execute_typed(
                include_str!("fail.sql"),
                &[(&batch.id, Type::UUID), (&reason, Type::TEXT)],
            )
            .await?;
        tracing::error!(tx_hash = %batch.transaction.hash, reason, "settlement failed");
        Ok(Step::Failed)
    }
}
