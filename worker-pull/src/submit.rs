//! Hands signed batches in, as often as it takes, until the gateway has said its last word on each result.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ciro_api::{ErrorCode, rest::results::SubmitReply};
use tracing::Instrument as _;

use crate::{
    gateway::CallError,
    journal::{Attempt, Journal, JournalError, Record, SignedBatch},
    observe,
    retry::Backoff,
    work_loop::Workshop,
};

/// Longest pause between two tries: a run deadline is a minute unless told, and what is handed in behind it is not paid.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The gateway's words on a batch, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    accepted: Vec<Attempt>,
    refused: Vec<(Attempt, ErrorCode)>,
    /// Results that may be answered otherwise next time.
    later: usize,
}

/// Sorts a reply. One that does not answer exactly what was asked is not believed at all.
fn sort(batch: &SignedBatch, reply: &SubmitReply) -> Result<Sorted, String> {
    let (asked, answered) = (batch.results.len(), reply.results.len());
    if asked != answered {
        return Err(format!("{asked} results were submitted and {answered} answered"));
    }
    let mut sorted = Sorted::default();
    for (result, outcome) in batch.results.iter().zip(&reply.results) {
        let attempt = result.attempt();
        if outcome.job != attempt.job {
            return Err(format!("{} was submitted and {} answered", attempt.job, outcome.job));
        }
        match &outcome.problem {
            _ if outcome.accepted => sorted.accepted.push(attempt),
            Some(problem) if !problem.code.retryable() => {
                sorted.refused.push((attempt, problem.code));
            }
            _ => sorted.later += 1,
        }
    }
    Ok(sorted)
}

/// Whether a refusal of the whole call is the last word on every result in it. Only what is about the results
/// themselves counts: a gateway that is down, wrong about us or in another version must cost no signed result.
fn last_word(error: &CallError) -> Option<ErrorCode> {
    error.code().filter(|code| {
        matches!(
            code,
            ErrorCode::InvalidRequest
                | ErrorCode::InvalidJson
                | ErrorCode::BodyTooLarge
                | ErrorCode::WrongSignature
                | ErrorCode::InvalidResult
                | ErrorCode::LeaseLost
                | ErrorCode::ResultConflict
                | ErrorCode::JobAlreadyFinished
                | ErrorCode::UnknownModel
        )
    })
}

/// Submits until the batch is closed or the worker halts. What is still open is in the journal.
pub(crate) async fn submit(shop: Arc<Workshop>, batch: SignedBatch) {
    let span = tracing::info_span!("submit", results = batch.results.len(), otel.kind = "client");
    let fences = batch.results.iter().map(|result| result.item.fence);
    for trace in fences.filter_map(|fence| shop.held.trace(fence)) {
        ciro_telemetry::link(&span, &trace);
    }
    shop.unanswered.begin(batch.number);
    let number = batch.number;
    until_closed(&shop, batch).instrument(span).await;
    shop.unanswered.end(number);
}

async fn until_closed(shop: &Arc<Workshop>, batch: SignedBatch) {
    let body = batch.to_submit();
    let mut backoff = Backoff::new(Duration::from_millis(50), PAUSE_MAX);
    let mut told = HashSet::new();
    loop {
        let mut hint = None;
        let sorted = match shop.gateway.submit(&body).await {
            Ok(reply) => sort(&batch, &reply),
            Err(error) => {
                hint = error.retry_after();
                let refuse = |code| {
                    let all = batch.results.iter().map(|result| (result.attempt(), code));
                    Sorted { refused: all.collect(), ..Sorted::default() }
                };
                last_word(&error).map(refuse).ok_or_else(|| error.to_string())
            }
        };
        let failure = match sorted {
            Ok(sorted) => match take_down(shop, &batch, sorted, &mut told).await {
                Ok(true) => return,
                Ok(false) => "the gateway cannot take some of the results yet".to_owned(),
                Err(error) => error.to_string(),
            },
            Err(failure) => failure,
        };
        let wait = backoff.next(hint);
        tracing::warn!(batch = batch.number, %failure, wait_ms = wait.as_millis(), "submitting again");
        tokio::time::sleep(wait).await;
    }
}

/// Journals what is final. Whether the batch is closed.
async fn take_down(
    shop: &Arc<Workshop>,
    batch: &SignedBatch,
    sorted: Sorted,
    told: &mut HashSet<Attempt>,
) -> Result<bool, JournalError> {
    for (attempt, code) in &sorted.refused {
        if told.insert(*attempt) {
            tracing::error!(job = %attempt.job, epoch = attempt.epoch, %code, "a signed result was refused");
        }
    }
    let refused: Vec<Attempt> = sorted.refused.into_iter().map(|(attempt, _)| attempt).collect();
    let accepted = sorted.accepted;
    let closed: HashSet<Attempt> = accepted.iter().chain(&refused).copied().collect();
    if closed.is_empty() {
        return Ok(false);
    }
    let number = batch.number;
    let count = accepted.len();
    let record = Record::Answered { batch: number, accepted, refused };
    let write = move |journal: &mut Journal| {
        journal.append(record)?;
        journal.compact_if_grown();
        Ok(!journal.ledger().is_open(number))
    };
    let done = shop.with_journal(write).await;
    if done.is_ok() {
        observe::answered(count, closed.len() - count);
    }
    shop.note_disk(&done);
    let leases = batch.results.iter().filter(|result| closed.contains(&result.attempt()));
    shop.held.release(leases.map(|result| result.item.fence));
    if done.is_ok() {
        tracing::info!(batch = number, accepted = count, "results accepted");
    }
    done
}

#[cfg(test)]
mod tests;
