//! Ends what a transaction has carried, once it is in a block that the mirror has come to.

use ciro_api::{Fri, OperationId, TxHash};
use ciro_contracts::{OperationOutcome, Outcome, Receipt};
use deadpool_postgres::{ClientWrapper, Transaction};
use time::OffsetDateTime;
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use super::{
    body::tracking_id,
    end::{self, End, in_short, share},
    lease::{Fence, guard},
    parties,
    relayer::{RelayError, Relayer},
};
use crate::{
    database::{bigint, count},
    reputation::{self, Event, Subject},
};

/// An operation whose transaction is in a block.
#[derive(Clone, Debug)]
struct Ending {
    id: OperationId,
    l2_gas: u64,
    subjects: Vec<Subject>,
}

impl Ending {
    fn read(row: &Row) -> Result<Self, RelayError> {
        let id = OperationId(row.try_get("operation_id")?);
        Ok(Self { id, l2_gas: count(row, "l2_gas")?, subjects: parties::subjects(row)? })
    }
}

impl Relayer {
    /// Ends what the nonce has carried, as the receipt says.
    pub(super) async fn finish(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        nonce: u64,
        hash: TxHash,
        receipt: &Receipt,
    ) -> Result<(), RelayError> {
        let relayer = self.account.address();
        let carried = self.ending(client, nonce).await?;
        let outcomes = match receipt.reverted {
            None => self.forwarder.outcomes_of(hash, receipt)?,
            Some(_) => Vec::new(),
        };
        let whole = carried.iter().fold(0_u64, |sum, one| sum.saturating_add(one.l2_gas));
        let tx = client.transaction().await?;
        guard(&tx, relayer, fence).await?;
        let state = if receipt.reverted.is_some() { "reverted" } else { "succeeded" };
        tx.execute_typed(
            include_str!("finish.sql"),
            &[
                (&relayer.to_string(), Type::TEXT),
                (&bigint(nonce), Type::INT8),
                (&state, Type::TEXT),
                (&hash.to_string(), Type::TEXT),
                (&receipt.fee.to_string(), Type::TEXT),
                (&bigint(receipt.block), Type::INT8),
            ],
        )
        .await?;
        if let (Some(reason), [_, _, ..]) = (&receipt.reverted, &carried[..]) {
            // One of them took the others down: smaller batches show which.
            tracing::warn!(%hash, reason, operations = carried.len(), "reverted whole; dividing");
            tx.execute_typed(
                include_str!("divide.sql"),
                &[(&relayer.to_string(), Type::TEXT), (&bigint(nonce), Type::INT8)],
            )
            .await?;
            return Ok(tx.commit().await?);
        }
        let mut events = Vec::with_capacity(carried.len());
        for one in &carried {
            let cost = share(receipt.fee, one.l2_gas, whole);
            let told = outcomes.iter().find(|told| told.id == tracking_id(one.id));
            let how = how(told.map(|told| &told.outcome), receipt, cost, hash);
            end::end(&tx, one.id, &how, self.settings.payee).await?;
            let outcome = match how {
                End::Succeeded { .. } => reputation::Outcome::Succeeded,
                End::Failed { .. } | End::Dropped { .. } => reputation::Outcome::Reverted { cost },
            };
            // Not before: what is on its way has come to nothing yet, and holds against nobody.
            let seen = Event { subjects: &one.subjects, outcome: reputation::Outcome::Seen };
            events.extend([seen, Event { outcome, ..seen }]);
        }
        reputation::record(&tx, &events, OffsetDateTime::now_utc()).await?;
        if carried.is_empty() {
            self.revise(&tx, nonce, &outcomes, receipt).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The transaction had ended before, in a block that the chain has taken back. What its operations came to may be something
    /// else now; what they did cost stays as it was captured.
    async fn revise(
        &self,
        tx: &Transaction<'_>,
        nonce: u64,
        outcomes: &[OperationOutcome],
        receipt: &Receipt,
    ) -> Result<(), RelayError> {
        let address = self.account.address().to_string();
        let of: [(&(dyn ToSql + Sync), Type); 2] =
            [(&address, Type::TEXT), (&bigint(nonce), Type::INT8)];
        for row in tx.query_typed(include_str!("ended.sql"), &of).await? {
            let id = OperationId(row.try_get("operation_id")?);
            let told = outcomes.iter().find(|told| told.id == tracking_id(id));
            let reason = failure(told.map(|told| &told.outcome), receipt);
            tx.execute_typed(
                include_str!("revise.sql"),
                &[(&id.0, Type::UUID), (&reason.as_deref().map(in_short), Type::TEXT)],
            )
            .await?;
        }
        Ok(())
    }

    /// What a nonce has carried, ordered so that two relayers lock sponsors in the same order.
    async fn ending(&self, client: &Client, nonce: u64) -> Result<Vec<Ending>, RelayError> {
        let address = self.account.address().to_string();
        let rows = client
            .query_typed(
                include_str!("ending.sql"),
                &[(&address, Type::TEXT), (&bigint(nonce), Type::INT8)],
            )
            .await?;
        rows.iter().map(Ending::read).collect()
    }
}

fn how(told: Option<&Outcome>, receipt: &Receipt, cost: Fri, hash: TxHash) -> End {
    match failure(told, receipt) {
        None => End::Succeeded { cost, hash },
        Some(reason) => End::Failed { reason, cost, hash },
    }
}

/// Why it did not happen, where it did not.
fn failure(told: Option<&Outcome>, receipt: &Receipt) -> Option<String> {
    match (told, &receipt.reverted) {
        (Some(Outcome::Succeeded), _) => None,
        (Some(Outcome::Failed(reason)), _) => Some(reason.to_string()),
        (None, Some(reason)) => Some(reason.clone()),
        (None, None) => Some("the Forwarder says nothing of it".to_owned()),
    }
}
