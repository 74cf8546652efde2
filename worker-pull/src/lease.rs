//! Takes jobs: only as many as can start now, of the pools that this worker serves, and none that was attested before.

use std::{sync::Arc, time::Duration};

use ciro_api::{
    limits::LEASE_JOBS_MAX,
    rest::leases::{FailRequest, Lease, LeaseRef, LeaseRequest},
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc::UnboundedSender, watch},
    time::Instant,
};
use uuid::Uuid;

use crate::{
    await_model::await_model,
    journal::{Attempt, Journal, Seen},
    keep_lease::beat,
    offer::{Offered, Offers, Want},
    retry::Backoff,
    run::Task,
    work_loop::Workshop,
};

/// How long one poll waits. Below a lease's time, so that a granted lease is never born expired.
const WAIT_MS: u64 = 20_000;
/// Longest `detail` that the gateway takes.
const DETAIL_BYTES_MAX: usize = 1_024;
/// Reports of failures are worth a few tries; after that the lease runs out by itself.
const FAIL_TRIES: u32 = 4;

/// What to do with a granted lease.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Run,
    /// Its model is not loaded.
    Await,
    /// The result is signed and on its way already.
    Leave,
    Fail {
        detail: String,
        retryable: bool,
    },
}

fn judge(lease: &Lease, offered: Option<&Offered>, seen: Option<Seen>) -> Verdict {
    let fail = |detail: String, retryable| Verdict::Fail { detail, retryable };
    match (seen, offered) {
        (Some(Seen::Unanswered), _) => Verdict::Leave,
        // Another epoch, or another worker, may attest it; this worker and this epoch may not, twice.
        (Some(Seen::Answered | Seen::Forgotten), _) => {
            fail("this worker may have attested this lease before".to_owned(), true)
        }
        (None, None) => Verdict::Await,
        (None, Some(model)) => match input_fits(lease.input.0.len(), model) {
            Ok(()) => Verdict::Run,
            Err(detail) => fail(detail, false),
        },
    }
}

/// Or what is wrong with an input of so many bytes.
pub(crate) fn input_fits(input_bytes: usize, model: &Offered) -> Result<(), String> {
    let bytes_max = model.manifest.input.bytes_max;
    if input_bytes <= bytes_max {
        return Ok(());
    }
    Err(format!("the input has {input_bytes} bytes; the model takes at most {bytes_max}"))
}

/// Leases until told to stop.
pub(crate) async fn lease_loop(
    shop: Arc<Workshop>,
    mut offers: watch::Receiver<Offers>,
    wants: UnboundedSender<Want>,
) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    let mut again: Option<Ask> = None;
    loop {
        if offers.wait_for(|offers| !offers.pools.is_empty()).await.is_err() {
            return;
        }
        if let Err(reason) = shop.may_take_work().await {
            tracing::error!(%reason, "no more work is taken until this is cured");
            tokio::time::sleep(backoff.next(None)).await;
            continue;
        }
        let ask = match again.take() {
            Some(ask) => ask,
            None => match new_ask(&shop, &offers).await {
                Some(ask) => ask,
                None => return,
            },
        };
        match shop.gateway.lease(&ask.request).await {
            Ok(reply) => {
                backoff.reset();
                shop.obey(reply.drain);
                // Looked at only now: models come and go while a poll waits.
                let current = offers.borrow().clone();
                start(&shop, (&current, &wants), reply.leases, ask).await;
            }
            Err(error) => {
                let wait = backoff.next(error.retry_after());
                tracing::warn!(%error, wait_ms = wait.as_millis(), "cannot lease");
                // The reply may be lost and not the grant: the same request gives the same grant.
                again = error.may_have_happened().then_some(ask);
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// A request for work, and the slots that it would fill.
struct Ask {
    request: LeaseRequest,
    slots: OwnedSemaphorePermit,
    /// When it was sent for the first time: leases count from there.
    sent: Instant,
}

async fn new_ask(shop: &Workshop, offers: &watch::Receiver<Offers>) -> Option<Ask> {
    let slots = free_slots(shop).await?;
    let request = LeaseRequest {
        pools: offers.borrow().pools.clone(),
        max_jobs: u32::try_from(slots.num_permits()).unwrap_or(1),
        wait_ms: WAIT_MS,
        lease_request_id: Uuid::new_v4(),
    };
    Some(Ask { request, slots, sent: Instant::now() })
}

/// All slots that are free, at least one.
async fn free_slots(shop: &Workshop) -> Option<OwnedSemaphorePermit> {
    let mut slots = Arc::clone(&shop.slots).acquire_owned().await.ok()?;
    let most = usize::try_from(LEASE_JOBS_MAX).unwrap_or(1);
    while slots.num_permits() < most {
        let Ok(one) = Arc::clone(&shop.slots).try_acquire_owned() else {
            break;
        };
        slots.merge(one);
    }
    Some(slots)
}

async fn start(
    shop: &Arc<Workshop>,
    (offers, wants): (&Offers, &UnboundedSender<Want>),
    leases: Vec<Lease>,
    ask: Ask,
) {
    let Ask { mut slots, sent, .. } = ask;
    let attempts: Vec<Attempt> = leases.iter().map(|lease| lease.fence.into()).collect();
    let look_up = move |journal: &mut Journal| -> Vec<Option<Seen>> {
        attempts.iter().map(|attempt| journal.ledger().seen(*attempt)).collect()
    };
    let seen = if leases.is_empty() { Vec::new() } else { shop.with_journal(look_up).await };
    let mut ready = Vec::with_capacity(leases.len());
    let mut late = false;
    for (lease, seen) in leases.into_iter().zip(seen) {
        let LeaseRef { job, epoch, .. } = lease.fence;
        let offered = offers.find(lease.model);
        match judge(&lease, offered.map(AsRef::as_ref), seen) {
            Verdict::Run | Verdict::Await => {
                let Some(slot) = slots.split(1) else {
                    tracing::warn!(%job, epoch, "more jobs were granted than asked for; this one is left");
                    continue;
                };
                tracing::debug!(%job, epoch, model = %lease.model, "leased");
                late |= shop.held.take(&lease, sent, Instant::now());
                let Lease { fence, model, input, price_fri, .. } = lease;
                let task = Task { fence, input: input.0, amount_fri: price_fri, slot };
                ready.push((offered.cloned(), model, task));
            }
            Verdict::Fail { detail, retryable } => {
                report(shop, lease.fence, &detail, retryable);
            }
            Verdict::Leave => {
                tracing::warn!(%job, epoch, "leased again although its result is being submitted");
            }
        }
    }
    if late {
        // A grant found again after a lost reply may be over: ask before working for nothing.
        beat(shop).await;
    }
    for (offered, model, task) in ready {
        match offered {
            Some(offered) => offered.run(task),
            None => await_model(shop, wants, model, task),
        }
    }
}

/// Tells the gateway, in the background, that a lease's run failed.
pub(crate) fn report(shop: &Arc<Workshop>, fence: LeaseRef, detail: &str, retryable: bool) {
    let detail = cut(detail, DETAIL_BYTES_MAX).to_owned();
    tracing::warn!(job = %fence.job, epoch = fence.epoch, %detail, retryable, "job failed");
    let own = Arc::clone(shop);
    shop.in_background(async move {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let ask = FailRequest { fence, detail, retryable };
        for _ in 0..FAIL_TRIES {
            match own.gateway.fail(&ask).await {
                Err(error) if error.may_have_happened() => {
                    tracing::warn!(job = %fence.job, %error, "cannot report the failure");
                    tokio::time::sleep(backoff.next(error.retry_after())).await;
                }
                Err(error) => {
                    tracing::warn!(job = %fence.job, %error, "the report of a failure was refused");
                    break;
                }
                Ok(_) => break,
            }
        }
        own.held.release([fence]);
    });
}

/// The longest prefix of at most `bytes_max` bytes that ends between characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
