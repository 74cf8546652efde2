//! What a worker measures. Labels take few values: words, and the names of models that it offers.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ciro_telemetry::{Family, Kind};
use metrics::{counter, gauge, histogram};
use tokio::time::Instant;

/// Everything that a worker measures.
pub static FAMILIES: [Family; 6] = [
    Family {
        name: "ciro_worker_leases_total",
        kind: Kind::Counter,
        labels: &["model"],
        help: "Leases that were taken to be run",
    },
    Family {
        name: "ciro_worker_runs_total",
        kind: Kind::Counter,
        labels: &["model", "outcome"],
        help: "Jobs that were run: done or failed",
    },
    Family {
        name: "ciro_worker_run_seconds",
        kind: Kind::Histogram,
        labels: &["model"],
        help: "How long a run took, for all jobs in it together",
    },
    Family {
        name: "ciro_worker_results_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Results that the gateway has answered for good: accepted or refused",
    },
    Family {
        name: "ciro_worker_slots_free",
        kind: Kind::Gauge,
        labels: &[],
        help: "Slots that neither a job nor an open request for jobs holds",
    },
    Family {
        name: "ciro_worker_unanswered_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "For how long the oldest batch of results has been submitted in vain",
    },
];

/// How often what is not counted as it happens is looked at.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);

pub(crate) fn leased(model: &str) {
    counter!("ciro_worker_leases_total", "model" => model.to_owned()).increment(1);
}

pub(crate) fn ran(model: &str, done: usize, failed: usize, took: Duration) {
    for (outcome, jobs) in [("done", done), ("failed", failed)] {
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        counter!("ciro_worker_runs_total", "model" => model.to_owned(), "outcome" => outcome)
            .increment(jobs);
    }
    histogram!("ciro_worker_run_seconds", "model" => model.to_owned()).record(took.as_secs_f64());
}

pub(crate) fn answered(accepted: usize, refused: usize) {
    for (outcome, results) in [("accepted", accepted), ("refused", refused)] {
        let results = u64::try_from(results).unwrap_or(u64::MAX);
        counter!("ciro_worker_results_total", "outcome" => outcome).increment(results);
    }
}

/// Since when which batch has been submitted without an answer for good.
#[derive(Debug, Default)]
pub(crate) struct Unanswered(Mutex<BTreeMap<u64, Instant>>);

impl Unanswered {
    pub(crate) fn begin(&self, batch: u64) {
        self.lock().entry(batch).or_insert_with(Instant::now);
    }

    pub(crate) fn end(&self, batch: u64) {
        self.lock().remove(&batch);
    }

    pub(crate) fn measure(&self, slots_free: usize) {
        let oldest = self.lock().values().min().map(Instant::elapsed).unwrap_or_default();
        gauge!("ciro_worker_unanswered_seconds").set(oldest.as_secs_f64());
        let slots_free = u32::try_from(slots_free).map_or(f64::INFINITY, f64::from);
        gauge!("ciro_worker_slots_free").set(slots_free);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
