//! Keeps leases alive while their jobs run, and knows when to give one up.
//!
//! All deadlines are local, by the monotonic clock, and count from when the request that won them was sent.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ciro_api::{
    Trace,
    limits::LEASES_TOGETHER_MAX,
    rest::leases::{HeartbeatReply, HeartbeatRequest, Lease, LeaseRef, LeaseState, ReleaseRequest},
};
use tokio::{sync::Notify, time::Instant};

use crate::{retry::Backoff, work_loop::Workshop};

/// A lease as short as this would be nothing but heartbeats.
const BEAT_EVERY_MIN: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct HeldLease {
    deadline: Instant,
    run_deadline: Instant,
    next_beat: Instant,
    /// Once signed, a result is submitted whatever happens to the lease.
    signed: bool,
    trace: Option<Trace>,
}

impl HeldLease {
    fn may_go_on(&self, now: Instant) -> bool {
        now < self.deadline && now < self.run_deadline
    }
}

/// When to beat next: a third into the lease, but at once when a long poll has eaten most of it.
fn next_beat(now: Instant, deadline: Instant, ttl: Duration) -> Instant {
    let third = (ttl / 3).max(BEAT_EVERY_MIN);
    let spare = deadline.saturating_duration_since(now).saturating_sub(ttl / 2);
    now + third.min(spare)
}

/// The leases this worker holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    leases: Mutex<HashMap<LeaseRef, HeldLease>>,
    changed: Notify,
}

impl Held {
    /// Takes a granted lease in. Returns whether its time, counted from `sent`, is over already.
    pub(crate) fn take(&self, lease: &Lease, sent: Instant, now: Instant) -> bool {
        let ttl = Duration::from_millis(lease.ttl_ms);
        let deadline = sent + ttl;
        let held = HeldLease {
            deadline,
            // From the reply, not from the request: a long poll may wait longer than a short job may run, and the
            // fence at the gateway, not this clock, decides about a late result.
            run_deadline: now + Duration::from_millis(lease.run_within_ms),
            next_beat: next_beat(now, deadline, ttl),
            signed: false,
            trace: lease.trace.clone(),
        };
        self.lock().insert(lease.fence, held);
        self.changed.notify_one();
        now >= deadline
    }

    /// Whether a run for this lease is still worth starting or signing.
    pub(crate) fn may_go_on(&self, lease: LeaseRef, now: Instant) -> bool {
        self.lock().get(&lease).is_some_and(|held| held.may_go_on(now))
    }

    /// Where the requester's trace of a held lease stands.
    pub(crate) fn trace(&self, lease: LeaseRef) -> Option<Trace> {
        self.lock().get(&lease)?.trace.clone()
    }

    pub(crate) fn signed(&self, leases: impl IntoIterator<Item = LeaseRef>) {
        let mut held = self.lock();
        for lease in leases {
            if let Some(held) = held.get_mut(&lease) {
                held.signed = true;
            }
        }
    }

    pub(crate) fn release(&self, leases: impl IntoIterator<Item = LeaseRef>) {
        let mut held = self.lock();
        for lease in leases {
            held.remove(&lease);
        }
    }

    fn first_beat(&self) -> Option<Instant> {
        self.lock().values().map(|held| held.next_beat).min()
    }

    fn fences(&self) -> Vec<LeaseRef> {
        self.lock().keys().copied().collect()
    }

    /// Takes in the gateway's answer to a heartbeat for `asked` that was sent at `sent`. Answers come in the order
    /// asked: jobs granted together share a lease id, so the id alone does not say which job is meant. Returns those
    /// that are not wanted any more; what is signed is handed in all the same.
    fn beaten(
        &self,
        asked: &[LeaseRef],
        reply: &HeartbeatReply,
        sent: Instant,
        now: Instant,
    ) -> Vec<LeaseRef> {
        let ttl = Duration::from_millis(reply.ttl_ms);
        let mut leases = self.lock();
        let mut unwanted = Vec::new();
        let answers = asked.iter().zip(&reply.results);
        for (fence, result) in answers.filter(|(fence, result)| fence.lease == result.lease) {
            match (result.state, leases.get_mut(fence)) {
                (LeaseState::Cancel, Some(held)) if !held.signed => {
                    tracing::info!(job = %fence.job, epoch = fence.epoch, "canceled by its requester");
                    leases.remove(fence);
                    unwanted.push(*fence);
                }
                (LeaseState::Ok | LeaseState::Cancel, Some(held)) => {
                    held.deadline = sent + ttl;
                    held.next_beat = next_beat(now, held.deadline, ttl);
                }
                (LeaseState::Lost, Some(held)) => {
                    let LeaseRef { job, epoch, .. } = *fence;
                    tracing::warn!(%job, epoch, signed = held.signed, "lease lost");
                    leases.remove(fence);
                }
                (_, None) => {}
            }
        }
        unwanted
    }

    /// Takes out what is not signed.
    fn give_up_unsigned(&self) -> Vec<LeaseRef> {
        let mut leases = self.lock();
        let unsigned: Vec<LeaseRef> =
            leases.iter().filter(|(_, held)| !held.signed).map(|(fence, _)| *fence).collect();
        leases.retain(|_, held| held.signed);
        unsigned
    }

    /// No heartbeat before `at`.
    fn postpone(&self, at: Instant) {
        for held in self.lock().values_mut() {
            held.next_beat = held.next_beat.max(at);
        }
    }

    /// Gives up what is past its deadline and not signed.
    fn give_up_expired(&self, now: Instant) {
        self.lock().retain(|fence, held| {
            let keep = held.signed || held.may_go_on(now);
            if !keep {
                let LeaseRef { job, epoch, .. } = *fence;
                tracing::warn!(%job, epoch, "gave a lease up: its deadline is over");
            }
            keep
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseRef, HeldLease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Beats for everything held, then gives up what has expired all the same.
pub(crate) async fn beat(shop: &Arc<Workshop>) -> bool {
    let mut all_answered = true;
    for leases in shop.held.fences().chunks(LEASES_TOGETHER_MAX) {
        let ask = HeartbeatRequest { leases: leases.to_vec() };
        let sent = Instant::now();
        match shop.gateway.heartbeat(&ask).await {
            Ok(reply) => {
                let unwanted = shop.held.beaten(leases, &reply, sent, Instant::now());
                if !unwanted.is_empty() {
                    shop.in_background(release(Arc::clone(shop), unwanted));
                }
                shop.obey(reply.drain);
            }
            Err(error) => {
                all_answered = false;
                tracing::warn!(%error, leases = leases.len(), "heartbeat failed");
            }
        }
    }
    shop.held.give_up_expired(Instant::now());
    all_answered
}

/// Gives back everything that is not signed, so that others need not wait until it runs out.
pub(crate) async fn release_unsigned(shop: Arc<Workshop>) {
    let unsigned = shop.held.give_up_unsigned();
    release(shop, unsigned).await;
}

/// Gives leases back. One try: a lease that cannot be released runs out.
pub(crate) async fn release(shop: Arc<Workshop>, leases: Vec<LeaseRef>) {
    for some in leases.chunks(LEASES_TOGETHER_MAX) {
        let ask = ReleaseRequest { leases: some.to_vec() };
        match shop.gateway.release(&ask).await {
            Ok(reply) => {
                let released = reply.results.iter().filter(|result| result.released).count();
                tracing::info!(asked = some.len(), released, "gave leases back");
            }
            Err(error) => tracing::warn!(%error, leases = some.len(), "cannot give leases back"),
        }
    }
}

/// Never returns; the caller stops it by dropping the future.
pub(crate) async fn keep_leases(shop: Arc<Workshop>) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    loop {
        let Some(at) = shop.held.first_beat() else {
            shop.held.changed.notified().await;
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = shop.held.changed.notified() => continue,
        }
        let wait = if beat(&shop).await {
            backoff.reset();
            Duration::ZERO
        } else {
            backoff.next(None)
        };
        // A gateway that answers for other leases than asked must not make this loop spin.
        shop.held.postpone(Instant::now() + wait.max(BEAT_EVERY_MIN));
    }
}

#[cfg(test)]
mod tests;
