//! How long a loop waits after a failure: twice as long each time, up to a bound, with jitter so that many
//! processes do not come back at the same moment.

use std::time::Duration;

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15);

/// A growing wait.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, failures: 0 }
    }

    /// After a success the next wait is the first one again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: between half and all of the doubled time.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        doubled.mul_f64(rand::random_range(0.5..=1.0))
    }
}
