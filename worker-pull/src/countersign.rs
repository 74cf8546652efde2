//! Agrees to statements: only to those that pay exactly what the journal says was earned.
//!
//! Money is never signed away: whatever does not match is refused and the receipt is named.

mod judge;

use std::{sync::Arc, time::Duration};

use ciro_api::{
    Signature, StatementId,
    rest::statements::{CountersignRequest, StatementDocument},
};
use tokio::time::Instant;

use self::judge::{Refusal, Verdict, judge};
use crate::{
    journal::{Countersigned, Journal, JournalError, Record},
    retry::Backoff,
    sign::Signer,
    work_loop::Workshop,
};

/// How long one poll waits.
const WAIT_MS: u64 = 20_000;

/// What was done about a statement.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Signed(Signature),
    Wait,
    Refused(Refusal),
}

/// Judges, and has the agreement on disk before it leaves.
fn answer(
    journal: &mut Journal,
    signer: &Signer,
    document: &StatementDocument,
) -> Result<Answer, JournalError> {
    let statement = match judge(document, &signer.identity(), journal.ledger()) {
        Verdict::Sign(statement) => statement,
        Verdict::Repeat(signature) => return Ok(Answer::Signed(signature)),
        Verdict::Wait => return Ok(Answer::Wait),
        Verdict::Refuse(refusal) => return Ok(Answer::Refused(refusal)),
    };
    let Ok(signature) = signer.sign(&statement) else {
        return Ok(Answer::Refused(Refusal::NotSignable));
    };
    journal.append(Record::Countersigned(Countersigned {
        sponsor: statement.sponsor,
        seq: statement.seq,
        count: statement.count,
        amount_fri: statement.amount,
        root: statement.receipts,
        signature,
        jobs: document.receipts.iter().map(|line| line.job).collect(),
    }))?;
    journal.compact_if_grown();
    Ok(Answer::Signed(signature))
}

/// Polls and answers. Never returns; the caller stops it by dropping the future.
pub(crate) async fn countersign_loop(shop: Arc<Workshop>) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
    loop {
        let asked = Instant::now();
        let list = match shop.gateway.pending_statements(WAIT_MS).await {
            Ok(list) => list.data,
            Err(error) => {
                tracing::warn!(%error, "cannot ask for statements");
                tokio::time::sleep(backoff.next(error.retry_after())).await;
                continue;
            }
        };
        let waited = asked.elapsed() > Duration::from_millis(WAIT_MS / 2);
        let mut progress = list.is_empty() && waited;
        for document in list {
            progress |= handle(&shop, document).await;
        }
        if progress {
            backoff.reset();
        } else {
            // What was refused or must wait comes back at once: do not ask in a tight loop.
            tokio::time::sleep(backoff.next(None)).await;
        }
    }
}

/// Whether the statement is dealt with.
async fn handle(shop: &Arc<Workshop>, document: StatementDocument) -> bool {
    let StatementDocument { id, sponsor, seq, count, amount_fri, .. } = document;
    let signer = shop.signer.clone();
    let done = shop.with_journal(move |journal| answer(journal, &signer, &document)).await;
    shop.note_disk(&done);
    match done {
        Ok(Answer::Signed(signature)) => {
            tracing::info!(%id, %sponsor, seq, count, %amount_fri, "statement countersigned");
            send(shop, id, signature).await
        }
        Ok(Answer::Wait) => {
            tracing::debug!(%id, "a receipt's acceptance is still under way");
            false
        }
        Ok(Answer::Refused(refusal)) => {
            tracing::error!(%id, %sponsor, seq, %refusal, "STATEMENT REFUSED: it is not what was earned");
            false
        }
        Err(error) => {
            tracing::error!(%id, %error, "cannot journal the agreement, so it is not given");
            false
        }
    }
}

async fn send(shop: &Workshop, id: StatementId, signature: Signature) -> bool {
    match shop.gateway.countersign(id, &CountersignRequest { signature }).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%id, %error, "cannot hand the countersignature in; it is sent again while pending");
            false
        }
    }
}

#[cfg(test)]
mod tests;
