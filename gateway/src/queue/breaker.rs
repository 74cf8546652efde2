//! Spares everyone the wait for a Redis that is away: after a fault nobody asks it for a moment, then one does.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ciro_api::limits;

const BLIND: Duration = Duration::from_millis(limits::QUEUE_BLIND_MS);

/// Whether Redis is worth asking.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    /// One caller finds out whether it is back.
    Probing,
}

/// Leave to ask Redis once. Without a verdict, as when its caller is cancelled, it counts as a failure.
pub(super) struct Leave<'a> {
    breaker: &'a Breaker,
    decided: bool,
}

impl Breaker {
    /// Leave to ask, unless Redis failed a moment ago.
    pub(super) fn enter(&self) -> Option<Leave<'_>> {
        let mut state = self.lock();
        match *state {
            State::Closed => {}
            State::Open { until } if Instant::now() >= until => *state = State::Probing,
            State::Open { .. } | State::Probing => return None,
        }
        Some(Leave { breaker: self, decided: false })
    }

    /// Whether Redis answered when it was last asked.
    pub(super) fn is_closed(&self) -> bool {
        *self.lock() == State::Closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave<'_> {
    /// Redis answered.
    pub(super) fn answered(mut self) {
        self.decided = true;
        let mut state = self.breaker.lock();
        if *state != State::Closed {
            tracing::warn!("the queue's index is back");
            *state = State::Closed;
        }
    }

    /// Redis did not answer.
    pub(super) fn failed(mut self) {
        self.decided = true;
        self.open();
    }

    fn open(&self) {
        *self.breaker.lock() = State::Open { until: Instant::now() + BLIND };
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        // Only who probes must not leave without a word: nobody else would ever ask again.
        if !self.decided && *self.breaker.lock() == State::Probing {
            self.open();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_fault_one_caller_asks_again_once_the_moment_is_over() {
        let breaker = Breaker::default();
        breaker.enter().unwrap().failed();
        assert!(breaker.enter().is_none() && !breaker.is_closed());
        *breaker.lock() = State::Open { until: Instant::now() };
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_none(), "two probe at once");
        probe.answered();
        assert!(breaker.enter().is_some() && breaker.is_closed());
    }

    #[test]
    fn a_probe_that_is_cancelled_does_not_shut_redis_out_for_ever() {
        let breaker = Breaker::default();
        *breaker.lock() = State::Open { until: Instant::now() };
        drop(breaker.enter().unwrap());
        assert!(matches!(*breaker.lock(), State::Open { .. }));
    }
}
