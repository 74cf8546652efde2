//! Agrees to statements: only to those that pay exactly what the journal says was earned.
//!
//! Money is never signed away: whatever does not match is refused and the receipt is named. Nor is anything agreed to
//! that could not be settled without the operator: its signature must be there, and both are on disk first.

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
    operator::Operator,
    retry::Backoff,
    sign::Signer,
    statements::{KeptStatement, StatementDir, StatementFileError},
    work_loop::{Workshop, with_cause},
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

/// An agreement that is not on disk, so it is not given.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    File(#[from] StatementFileError),
}

/// Judges, and has the agreement on disk before it leaves: in the journal, and with both signatures in a file of its
/// own. After a crash between the two the statement comes again, and the file with it.
fn answer(
    journal: &mut Journal,
    statements: &StatementDir,
    signer: &Signer,
    operator: &Operator,
    document: &StatementDocument,
) -> Result<Answer, AnswerError> {
    let signature = match judge(document, &signer.identity(), operator, journal.ledger()) {
        Verdict::Sign(statement) => match signer.sign(&statement) {
            Ok(signature) => agree(journal, document, signature)?,
            Err(_) => return Ok(Answer::Refused(Refusal::NotSignable)),
        },
        Verdict::Repeat(signature) => signature,
        Verdict::Wait => return Ok(Answer::Wait),
        Verdict::Refuse(refusal) => return Ok(Answer::Refused(refusal)),
    };
    // Nothing only when our own key was changed since it signed: the gateway refuses that signature anyway.
    if let Some(kept) = KeptStatement::of(document, signature, signer, operator) {
        statements.keep(&kept)?;
    }
    Ok(Answer::Signed(signature))
}

fn agree(
    journal: &mut Journal,
    document: &StatementDocument,
    signature: Signature,
) -> Result<Signature, JournalError> {
    journal.append(Record::Countersigned(Countersigned {
        sponsor: document.sponsor,
        operator: document.operator,
        seq: document.seq,
        count: document.count,
        amount_fri: document.amount_fri,
        root: document.root,
        signature,
        jobs: document.receipts.iter().map(|line| line.job).collect(),
    }))?;
    journal.compact_if_grown();
    Ok(signature)
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
    let desk = Arc::clone(shop);
    let judged = move |journal: &mut Journal| {
        answer(journal, &desk.statements, &desk.signer, &desk.operator, &document)
    };
    let done = shop.with_journal(judged).await;
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
            tracing::error!(%id, %sponsor, seq, %refusal, "STATEMENT REFUSED: it is not countersigned");
            false
        }
        Err(error) => {
            let error = with_cause(&error);
            tracing::error!(%id, error, "the agreement is not on disk, so it is not given");
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
