//! How long to wait before trying again. Never sleeps itself.

use std::time::Duration;

use rand::Rng;

/// Exponential growth from `first` to `most`, with full jitter, so that workers cut off together do not return
/// together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    attempt: u32,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, attempt: 0 }
    }

    /// The ceiling of the wait after `attempt` failures.
    fn ceiling(&self, attempt: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(attempt)).min(self.most)
    }

    /// The next wait. A server's own hint is a floor, cut at the ceiling of all waits.
    pub(crate) fn next(&mut self, hint: Option<Duration>) -> Duration {
        let ceiling = self.ceiling(self.attempt);
        self.attempt = self.attempt.saturating_add(1);
        let jittered = ceiling.mul_f64(rand::rng().random::<f64>());
        jittered + hint.unwrap_or_default().min(self.most)
    }

    /// After a success the next failure starts small again.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_bound_and_stay_there() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10));
        assert_eq!(backoff.ceiling(0), Duration::from_millis(50));
        assert_eq!(backoff.ceiling(3), Duration::from_millis(400));
        assert_eq!(backoff.ceiling(500), Duration::from_secs(10));
        for attempt in 0..200 {
            let ceiling = backoff.ceiling(attempt);
            assert!(backoff.next(None) <= ceiling);
        }
        backoff.reset();
        assert!(backoff.next(None) <= Duration::from_millis(50));
    }

    #[test]
    fn a_servers_hint_is_a_floor_but_cannot_stop_the_worker_for_ever() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10));
        assert!(backoff.next(Some(Duration::from_secs(3))) >= Duration::from_secs(3));
        assert!(backoff.next(Some(Duration::from_secs(1_000_000))) <= Duration::from_secs(20));
    }
}
