//! Signs what was run, once per batch, and has it on disk before anyone else sees it.
//!
//! Never signs two attestations for one lease of a job, whatever it is handed.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ciro_api::{
    Commitment, Fri, ModelId,
    felt::Digest,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchError, BatchTree},
        sign::SignError,
        snip12::TypedStruct,
    },
    limits::{ATTESTATIONS_MAX, RESULT_BODY_BYTES_MAX},
    rest::{Base64, leases::LeaseRef, results::ResultItem},
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc::UnboundedReceiver},
    time::Instant,
};

use crate::{
    journal::{Attempt, Journal, JournalError, Record, SignedBatch, SignedResult},
    lease::report,
    retry::Backoff,
    run::Outcome,
    sign::{Identity, Signer},
    submit::submit,
    work_loop::{Workshop, with_cause},
};

/// Envelope of one result in JSON: ids, hashes and field names, rounded up.
const ITEM_BYTES: usize = 640;

/// A run's result, ready to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) fence: LeaseRef,
    pub(crate) model: ModelId,
    pub(crate) input: Commitment,
    pub(crate) output: Vec<u8>,
    pub(crate) output_commitment: Commitment,
    pub(crate) amount_fri: Fri,
}

impl Finished {
    /// What this result takes in a submitted body.
    pub(crate) fn body_bytes(&self) -> usize {
        ITEM_BYTES + self.output.len().div_ceil(3) * 4
    }

    fn attestation(&self, identity: Identity) -> Attestation {
        Attestation {
            job: self.fence.job.into(),
            epoch: self.fence.epoch,
            model: self.model,
            input: self.input,
            output: self.output_commitment,
            contract: identity.contract,
            worker: identity.worker,
        }
    }
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttestError {
    #[error("cannot build the batch")]
    Batch(#[from] BatchError),
    #[error("cannot sign the batch")]
    Sign(#[from] SignError),
    #[error("cannot journal the batch")]
    Journal(#[from] JournalError),
}

/// How many results from the front fit one signature and one request body.
pub(crate) fn batch_size(body_bytes: impl IntoIterator<Item = usize>) -> usize {
    let mut total = ITEM_BYTES;
    let fits = |bytes: &usize| {
        total = total.saturating_add(*bytes);
        total <= RESULT_BODY_BYTES_MAX
    };
    // The first one always goes: an output is bounded far below a body.
    body_bytes.into_iter().take(ATTESTATIONS_MAX).take_while(fits).count().max(1)
}

/// Signs the batch and journals it. Leases attested before are left out; `None` when none is left.
pub(crate) fn attest(
    journal: &mut Journal,
    signer: &Signer,
    finished: &[Finished],
) -> Result<Option<SignedBatch>, AttestError> {
    let mut fresh: Vec<&Finished> = Vec::with_capacity(finished.len());
    for result in finished {
        let attempt = Attempt::from(result.fence);
        let twice = fresh.iter().any(|other| Attempt::from(other.fence) == attempt);
        if let Some(seen) = journal.ledger().seen(attempt) {
            tracing::error!(job = %attempt.job, epoch = attempt.epoch, ?seen, "attested before; not signed again");
        } else if twice {
            tracing::error!(job = %attempt.job, epoch = attempt.epoch, "run twice; the second result is dropped");
        } else {
            fresh.push(result);
        }
    }
    if fresh.is_empty() {
        return Ok(None);
    }
    let batch = sign_batch(journal.ledger().next_batch(), signer, &fresh)?;
    journal.append(Record::Signed(batch.clone()))?;
    Ok(Some(batch))
}

fn sign_batch(
    number: u64,
    signer: &Signer,
    finished: &[&Finished],
) -> Result<SignedBatch, AttestError> {
    let identity = signer.identity();
    let hashes: Vec<_> =
        finished.iter().map(|result| result.attestation(identity).struct_hash()).collect();
    let root = BatchTree::build(&hashes)?.root();
    let count = u64::try_from(hashes.len()).map_err(|_| BatchError::Size(hashes.len()))?;
    let Identity { contract, worker, .. } = identity;
    let signature = signer.sign(&AttestationBatch { root, count, contract, worker })?;
    let results = finished.iter().zip(hashes).map(|(result, hash)| SignedResult {
        item: ResultItem {
            fence: result.fence,
            model: result.model,
            input: result.input,
            output: Base64(result.output.clone()),
        },
        amount_fri: result.amount_fri,
        attestation: Digest(hash),
    });
    Ok(SignedBatch { number, results: results.collect(), signature })
}

/// Signs whatever has finished whenever the last batch is signed: no timer, and under load the batches grow by
/// themselves. Ends when no more outcomes can come.
pub(crate) async fn attest_loop(shop: Arc<Workshop>, mut outcomes: UnboundedReceiver<Outcome>) {
    let mut waiting: VecDeque<(Finished, OwnedSemaphorePermit)> = VecDeque::new();
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    loop {
        if waiting.is_empty() {
            let Some(first) = outcomes.recv().await else {
                return;
            };
            sort(&shop, first, &mut waiting);
        }
        while let Ok(more) = outcomes.try_recv() {
            sort(&shop, more, &mut waiting);
        }
        let now = Instant::now();
        waiting.retain(|(result, _)| shop.held.may_go_on(result.fence, now));
        if waiting.is_empty() {
            continue;
        }
        let size = batch_size(waiting.iter().map(|(result, _)| result.body_bytes()));
        let (results, slots): (Vec<_>, Vec<_>) = waiting.drain(..size.min(waiting.len())).unzip();
        let signer = shop.signer.clone();
        let sign = move |journal: &mut Journal| {
            let attested = attest(journal, &signer, &results);
            (results, attested)
        };
        let (results, attested) = shop.with_journal(sign).await;
        match attested {
            Ok(batch) => {
                backoff.reset();
                let in_batch = batch.iter().flat_map(|batch| &batch.results);
                let fences: HashSet<LeaseRef> = in_batch.map(|result| result.item.fence).collect();
                let leases = results.iter().map(|result| result.fence);
                shop.held.release(leases.filter(|lease| !fences.contains(lease)));
                shop.held.signed(fences);
                if let Some(batch) = batch {
                    shop.in_background(submit(Arc::clone(&shop), batch));
                }
            }
            Err(AttestError::Journal(error)) => {
                let cause = with_cause(&error);
                tracing::error!(%cause, results = results.len(), "not journaled, so not submitted");
                shop.note_disk::<(), _>(&Err(error));
                results.into_iter().zip(slots).rev().for_each(|pair| waiting.push_front(pair));
                tokio::time::sleep(backoff.next(None)).await;
            }
            Err(error) => tracing::error!(%error, results = results.len(), "results dropped"),
        }
    }
}

/// A result waits for its signature; a failure is reported.
fn sort(
    shop: &Arc<Workshop>,
    outcome: Outcome,
    waiting: &mut VecDeque<(Finished, OwnedSemaphorePermit)>,
) {
    match outcome.result {
        Ok(finished) => waiting.push_back((finished, outcome.slot)),
        // The model is deterministic: another worker would fail just so.
        Err(error) => report(shop, outcome.fence, &error.to_string(), false),
    }
}

#[cfg(test)]
pub(crate) mod tests;
