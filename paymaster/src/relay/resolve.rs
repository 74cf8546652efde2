//! Looks after transactions that are not in a block yet. Believes only receipts.

use std::time::Duration;

use ciro_api::TxHash;
use deadpool_postgres::ClientWrapper;
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use super::{
    lease::{Fence, guard},
    record::Attempt,
    relayer::{RelayError, Relayer},
    send::Sent,
};
use crate::database::{bigint, count, word};

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

/// What is left after a look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolved {
    /// So many are in no block.
    pub(super) open: usize,
    /// A node has taken all of them.
    pub(super) all_taken: bool,
}

/// The first block that the mirror has not come to.
async fn mirrored_before(client: &Client) -> Result<u64, RelayError> {
    let row = client.query_typed_one(include_str!("mirrored.sql"), &[]).await?;
    Ok(count(&row, "next_block")?)
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
        let mirrored_before = if used.is_empty() { 0 } else { mirrored_before(client).await? };
        for open in &used {
            if !self.settle(client, fence, open, mirrored_before).await? {
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

    /// Ends the transaction whose nonce is used; says no where its receipt is not to be had yet, or is of a block that the
    /// mirror has not come to: whatever becomes of a mirrored block, the watcher sees it.
    async fn settle(
        &self,
        client: &mut ClientWrapper,
        fence: Fence,
        open: &Open,
        mirrored_before: u64,
    ) -> Result<bool, RelayError> {
        for attempt in open.attempts.iter().rev() {
            if let Some(receipt) = self.account.chain().receipt(attempt.hash).await? {
                if receipt.block >= mirrored_before {
                    return Ok(false);
                }
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
        tx.execute_typed(include_str!("taken_back.sql"), &of).await?;
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
                    // Another node may have it: its answer was lost, or a process died before it was written down. By then a
                    // node that has it would have made it or let go of it.
                    let is_over = open.age >= self.settings.lost_after;
                    let is_last = place + 1 == waiting.len();
                    if is_over && is_last && open.attempts.iter().all(|attempt| !attempt.sent) {
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
