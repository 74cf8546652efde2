//! One job, its row, its place in the index, and two workers that want it.
//!
//! As in the code: the row decides everything, the index may be wrong in any way, and every message may be lost once it
//! was acted on. A lease id is who asked and the how-many-th time; nobody else can know it.

/// Names one request for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) worker: usize,
    pub(crate) request: u8,
}

/// What a result must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fence {
    pub(crate) lease: Lease,
    pub(crate) epoch: u8,
}

/// The job in PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Row {
    Live(Live),
    /// Finished under this fence.
    Done(Fence),
    /// Ended without a result.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Live {
    pub(crate) leased: bool,
    pub(crate) epoch: u8,
    /// Stays when a lease runs out, so that a late result counts until somebody else begins.
    pub(crate) lease: Option<Lease>,
    /// `lease_until` has passed.
    pub(crate) over: bool,
    pub(crate) crashes: u8,
    pub(crate) cancel_requested: bool,
}

impl Live {
    pub(crate) fn is_held_under(&self, fence: Fence) -> bool {
        self.lease == Some(fence.lease) && self.epoch == fence.epoch
    }
}

/// The job in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Nowhere,
    Ready,
    Leased { lease: Lease, over: bool },
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Idle,
    /// Its request is at a gateway, or will be sent again.
    Asked(Lease),
    /// A gateway has popped the job for it and has not asked the row yet.
    Popped(Lease),
    /// The row is its; the reply is on the way.
    Granted(Fence),
    Holds(Fence),
    /// Signed and in the journal: handed in until there is an answer, also after a crash.
    Signed(Fence),
    /// Acted on; the answer is on the way.
    Answered {
        fence: Fence,
        accepted: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) row: Row,
    pub(crate) index: Place,
    /// A copy of the index that may come back.
    pub(crate) saved: Option<Place>,
    pub(crate) workers: [Phase; 2],
    pub(crate) requests: [u8; 2],
    pub(crate) receipts: u8,
    /// Whose results were said to count.
    pub(crate) told: Vec<Fence>,
    /// What the row granted last: who may finish.
    pub(crate) granted: Option<Fence>,
    /// What was given back.
    pub(crate) released: Option<Fence>,
    /// Wipes and restores that may still happen.
    pub(crate) faults_left: u8,
    /// Whether a late result was taken, for a property that wants to have seen one.
    pub(crate) took_a_late_one: bool,
}

impl State {
    /// Accepted: the row is committed, and the push into the index is lost.
    pub(crate) fn accepted(faults: u8) -> Self {
        let row = Live {
            leased: false,
            epoch: 0,
            lease: None,
            over: false,
            crashes: 0,
            cancel_requested: false,
        };
        Self {
            row: Row::Live(row),
            index: Place::Nowhere,
            saved: None,
            workers: [Phase::Idle; 2],
            requests: [0; 2],
            receipts: 0,
            told: Vec::new(),
            granted: None,
            released: None,
            faults_left: faults,
            took_a_late_one: false,
        }
    }
}
