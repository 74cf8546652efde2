//! Looks after transactions that are not in a block yet. Believes only receipts.

use std::time::Duration;

use ciro_api::{DeviceId, Fri, OperationId, TxHash, felt::Digest};
use ciro_contracts::{Outcome, Receipt};
use deadpool_postgres::ClientWrapper;
use time::OffsetDateTime;
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

use super::{
    body::tracking_id,
    end::{self, End, share},
    lease::{Fence, guard},
    record::Attempt,
    relayer::{RelayError, Relayer},
    send::Sent,
};
use crate::{
    database::{bigint, count, word},
    reputation::{self, Event, Subject},
};

/// A nonce whose transaction is in no block yet.
#[derive(Clone, Debug)]
struct Open {
    nonce: u64,
    age: Duration,
    /// In rising order.
    attempts: Vec<Sketch>,
}

/// An attempt without its bytes, of which there are many.
#[derive(Clone, Debug)]
struct Sketch {
    hash: TxHash,
    sent: bool,
    /// Since it was sent last, or signed.
    waited: Duration,
}

/// An operation whose transaction is in a block.
#[derive(Clone, Debug)]
struct Ending {
    id: OperationId,
    l2_gas: u64,
    subjects: Vec<Subject>,
}

impl Ending {
    fn read(row: &Row) -> Result<Self, RelayError> {
        let class: Digest = word(row, "class_hash")?;
        let mut subjects = vec![Subject::Account(word(row, "account")?), Subject::Class(class.0)];
        let device: Option<Uuid> = row.try_get("device_id")?;
        subjects.extend(device.map(|id| Subject::Device(DeviceId(id))));
        let id = OperationId(row.try_get("operation_id")?);
        Ok(Self { id, l2_gas: count(row, "l2_gas")?, subjects })
    }
}

/// What is left after a look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolved {
    /// So many are in no block.
    pub(super) open: usize,
    /// A node has taken all of them.
    pub(super) all_taken: bool,
}

fn seconds(row: &Row, column: &'static str) -> Result<Duration, RelayError> {
    let seconds: f64 = row.try_get(column)?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO))
}

impl Relayer {
    /// Ends what is in a block, and sends again what should be.
    pub(super) async fn resolve(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
    ) -> Result<Resolved, RelayError> {
        let open = self.open(client).await?;
        if open.is_empty() {
            return Ok(Resolved { open: 0, all_taken: true });
        }
        let accepted = self.account.chain().accepted_nonce(self.account.address()).await?;
        let accepted = u64::try_from(accepted).unwrap_or(u64::MAX);
        let (used, waiting): (Vec<Open>, Vec<Open>) =
            open.into_iter().partition(|open| open.nonce < accepted);
        let mut left = waiting.len();
        for open in &used {
            if !self.settle(client, fence, open).await? {
                left += 1;
            }
        }
        let all_taken = self.send_again(client, fence, &waiting).await?;
        Ok(Resolved { open: left, all_taken })
    }

    async fn open(&self, client: &Client) -> Result<Vec<Open>, RelayError> {
        let address = self.account.address().to_string();
        let rows =
            client.query_typed(include_str!("opened.sql"), &[(&address, Type::TEXT)]).await?;
        let mut open: Vec<Open> = Vec::new();
        for row in &rows {
            let nonce = count(row, "nonce")?;
            let sketch = Sketch {
                hash: word(row, "tx_hash")?,
                sent: row.try_get("sent")?,
                waited: seconds(row, "waited_s")?,
            };
            if let Some(last) = open.last_mut().filter(|last| last.nonce == nonce) {
                last.attempts.push(sketch);
            } else {
                let age = seconds(row, "age_s")?;
                open.push(Open { nonce, age, attempts: vec![sketch] });
            }
        }
        Ok(open)
    }

    /// Ends the transaction whose nonce is used; says no where its receipt is not to be had yet.
    async fn settle(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        open: &Open,
    ) -> Result<bool, RelayError> {
        for attempt in open.attempts.iter().rev() {
            if let Some(receipt) = self.account.chain().receipt(attempt.hash).await? {
                self.finish(client, fence, open.nonce, attempt.hash, &receipt).await?;
                self.bell.moved();
                return Ok(true);
            }
        }
        if open.age < self.settings.lost_after {
            return Ok(false);
        }
        let relayer = self.account.address();
        tracing::error!(%relayer, nonce = open.nonce, "something that is not ours has used the nonce");
        self.give_up(client, fence, open.nonce).await?;
        Ok(true)
    }

    async fn finish(
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
            events.push(Event { subjects: &one.subjects, outcome });
        }
        reputation::record(&tx, &events, OffsetDateTime::now_utc()).await?;
        Ok(tx.commit().await?)
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

    async fn give_up(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        nonce: u64,
    ) -> Result<(), RelayError> {
        let relayer = self.account.address();
        let tx = client.transaction().await?;
        guard(&tx, relayer, fence).await?;
        let (address, nonce) = (relayer.to_string(), bigint(nonce));
        let of: [(&(dyn ToSql + Sync), Type); 2] = [(&address, Type::TEXT), (&nonce, Type::INT8)];
        tx.execute_typed(include_str!("requeue.sql"), &of).await?;
        tx.execute_typed(include_str!("lost.sql"), &of).await?;
        Ok(tx.commit().await?)
    }

    /// In the order of nonces: one that is not taken keeps those behind it back. Says whether all are taken.
    async fn send_again(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        waiting: &[Open],
    ) -> Result<bool, RelayError> {
        for (place, open) in waiting.iter().enumerate() {
            let Some(last) = open.attempts.last() else { continue };
            let is_stale = last.waited >= self.settings.resend_after;
            if last.sent && !is_stale {
                continue;
            }
            let attempt = self.attempt(client, last.hash).await?;
            // Only the first one is known to wait for something else than another one of ours.
            let replaced = place == 0 && last.sent && is_stale;
            let attempt =
                if replaced { self.replace(client, fence, &attempt).await? } else { attempt };
            match self.send(client, &attempt).await? {
                Sent::Taken => {}
                Sent::OutOfTurn => return Ok(false),
                Sent::Refused => {
                    // One that a node has taken once may still come to be.
                    if open.attempts.iter().all(|attempt| !attempt.sent) {
                        self.withdraw(client, fence, open.nonce).await?;
                    }
                    return Err(RelayError::Refused(self.account.address()));
                }
            }
        }
        Ok(true)
    }

    async fn attempt(&self, client: &Client, hash: TxHash) -> Result<Attempt, RelayError> {
        let hash = hash.to_string();
        let row =
            client.query_typed_one(include_str!("attempt_of.sql"), &[(&hash, Type::TEXT)]).await?;
        Attempt::read(&row)
    }
}

fn how(told: Option<&Outcome>, receipt: &Receipt, cost: Fri, hash: TxHash) -> End {
    let reason = match (told, &receipt.reverted) {
        (Some(Outcome::Succeeded), _) => return End::Succeeded { cost, hash },
        (Some(Outcome::Failed(reason)), _) => reason.to_string(),
        (None, Some(reason)) => reason.clone(),
        (None, None) => "the Forwarder says nothing of it".to_owned(),
    };
    End::Failed { reason, cost, hash }
}
