//! One bucket of tokens, kept as the moment at which it will be full again: nothing has to be filled, and one that is full
//! already holds nothing that is worth remembering.

use std::time::{Duration, Instant};

/// How fast a bucket fills and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many tokens come back in a second.
    pub per_second: u32,
    /// How many there are at most.
    pub burst: u32,
}

/// A moment, or how long something takes, in the nanoseconds of a clock that runs as fast as tokens come back: one token is
/// always 10^9 of them, so nothing is ever rounded. 128 bits hold 2^32 tokens a second for longer than there were stars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticks(u128);

/// Reads clocks for buckets of one rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    rate: Rate,
    started: Instant,
}

impl Clock {
    pub(super) const fn new(rate: Rate, started: Instant) -> Self {
        Self { rate, started }
    }

    pub(super) fn read(&self, now: Instant) -> Ticks {
        let passed = now.saturating_duration_since(self.started);
        Ticks(passed.as_nanos() * u128::from(self.rate.per_second))
    }

    /// How long so many ticks are; rounded up, so that who comes back then does not come too soon.
    fn duration(&self, ticks: Ticks) -> Duration {
        let nanoseconds = ticks.0.div_ceil(u128::from(self.rate.per_second.max(1)));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

fn of(tokens: u32) -> u128 {
    u128::from(tokens) * 1_000_000_000
}

/// A bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When it is full again, if nothing more is taken.
    pub(super) full_at: Ticks,
}

impl Bucket {
    /// How long to wait for so many tokens; nothing when they are there.
    pub(super) fn wait(self, clock: &Clock, tokens: u32, now: Ticks) -> Duration {
        let missing = self.full_at.0.saturating_sub(now.0) + of(tokens);
        clock.duration(Ticks(missing.saturating_sub(of(clock.rate.burst))))
    }

    /// What it is once so many tokens are taken that were there.
    pub(super) fn less(self, tokens: u32, now: Ticks) -> Self {
        Self { full_at: Ticks(self.full_at.max(now).0 + of(tokens)) }
    }
}
