//! Everything that a run found, as `docs/src/bench/queue.json` keeps it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    accept::Accepts, crowd::Crowd, flush::Flush, hold::Released, lives::Lives, machine::Machine,
    peers, pickup::Pickup, profile::Profile,
};

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) suite: &'static str,
    /// RFC 3339.
    pub(crate) measured_at: String,
    pub(crate) took_s: u64,
    pub(crate) seed: u64,
    /// How to get the same again.
    pub(crate) rerun: String,
    pub(crate) profile: Profile,
    pub(crate) machine: Machine,
    pub(crate) ciro: Ciro,
    pub(crate) peers: BTreeMap<&'static str, peers::Measured>,
}

/// The front desk.
#[derive(Debug, Serialize)]
pub(crate) struct Ciro {
    #[serde(flatten)]
    pub(crate) measured: Measured,
    pub(crate) released_after_kill: Released,
    pub(crate) flush: Flush,
}

/// What is measured before its peers.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// One job a call, callers of eight sponsors.
    pub(crate) accept_single: Accepts,
    /// The same with callers of one sponsor, whose row they wait for.
    pub(crate) accept_single_one_sponsor: Accepts,
    /// Batches.
    pub(crate) accept_batch: Accepts,
    /// Whole lives, batched wherever the API has batches.
    pub(crate) lives_batched: Lives,
    /// Whole lives with one job a call and one result a signature.
    pub(crate) lives_single: Lives,
    pub(crate) pickup: Pickup,
    pub(crate) crowd: Crowd,
}
