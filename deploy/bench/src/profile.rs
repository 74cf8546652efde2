//! How long and how large a run is. Both profiles measure the same figures; only the full one is worth reading.

use std::time::Duration;

use serde::Serialize;

/// The size of a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Profile {
    /// `full` or `quick`.
    pub(crate) name: &'static str,
    /// Connections of the closed loops, and callers of the peers.
    pub(crate) callers: usize,
    /// Left out of each rate, while caches and pools fill.
    pub(crate) warm_up_s: u64,
    /// How long each rate is measured.
    pub(crate) measure_s: u64,
    /// How long jobs come evenly for the pickup latency.
    pub(crate) pickup_s: u64,
    /// Jobs of one batch.
    pub(crate) batch_jobs: usize,
    /// Most jobs that are accepted and not done: producers wait for workers beyond it.
    pub(crate) outstanding_max: u64,
    /// Connections of workers that lease and submit in batches.
    pub(crate) worker_lines: usize,
    /// Jobs of the queue whose memory and recovery are measured.
    pub(crate) queued_jobs: usize,
    /// Leases that a killed worker held.
    pub(crate) held_jobs: usize,
    /// Long-polling workers.
    pub(crate) crowd: usize,
    /// Jobs that wake one of them.
    pub(crate) crowd_wakes: usize,
}

impl Profile {
    /// Twelve minutes at most.
    pub(crate) const FULL: Self = Self {
        name: "full",
        callers: 64,
        warm_up_s: 2,
        measure_s: 12,
        pickup_s: 15,
        batch_jobs: 100,
        outstanding_max: 5_000,
        worker_lines: 16,
        queued_jobs: 100_000,
        held_jobs: 64,
        crowd: 5_000,
        crowd_wakes: 200,
    };

    /// Below a minute: enough to see that every figure is there.
    pub(crate) const QUICK: Self = Self {
        name: "quick",
        callers: 8,
        warm_up_s: 0,
        measure_s: 1,
        pickup_s: 1,
        batch_jobs: 20,
        outstanding_max: 500,
        worker_lines: 4,
        queued_jobs: 2_000,
        held_jobs: 8,
        crowd: 100,
        crowd_wakes: 5,
    };

    /// What a rate leaves out.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_s)
    }

    /// What a rate counts.
    pub(crate) fn measure(&self) -> Duration {
        Duration::from_secs(self.measure_s)
    }
}
