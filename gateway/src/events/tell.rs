//! Decides what a listener hears next, from where the job stands and what is kept of what was told. Does no I/O.

use ciro_api::{
    JobStatus,
    rest::events::{EventId, LostEvent, Place, Progress, RestartedEvent, StatusEvent, ToldEvent},
};

use super::buffer::{Entry, Found};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) status: JobStatus,
    pub(super) epoch: u64,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Status(StatusEvent),
    Worker(&'static str, ToldEvent),
    Restarted(RestartedEvent),
    Lost(LostEvent),
}

impl Told {
    /// The place that a listener comes back to, when it moves on by this.
    pub(super) fn id(&self) -> Option<EventId> {
        match self {
            Self::Status(_) => None,
            Self::Worker(_, told) => {
                Some(EventId { epoch: told.epoch, place: Place::Seq(told.seq) })
            }
            Self::Restarted(restarted) => Some(EventId::begin(restarted.epoch)),
            Self::Lost(lost) => Some(lost.after),
        }
    }
}

/// What one listener has heard.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    epoch: u64,
    seq: u32,
    stand: Option<Stand>,
    /// Was told that what came behind its place may be lost.
    lost: bool,
}

impl Teller {
    /// A listener that comes now, or back from `after`.
    pub(super) fn new(after: Option<EventId>, stand: Stand) -> Self {
        let fresh = Self { epoch: stand.epoch, seq: 0, stand: None, lost: false };
        match after {
            // Behind the end of a lease that was not the job's end after all, only a new lease comes.
            Some(EventId { epoch, place: Place::Done }) if epoch <= stand.epoch => {
                Self { epoch, seq: u32::MAX, ..fresh }
            }
            Some(EventId { epoch, place: Place::Seq(seq) }) if epoch <= stand.epoch => {
                Self { epoch, seq, ..fresh }
            }
            _ => fresh,
        }
    }

    /// The place that it has heard everything up to.
    pub(super) fn place(&self) -> (u64, u32) {
        (self.epoch, self.seq)
    }

    /// What it hears next; `found` is nothing when Redis could not be asked.
    pub(super) fn tell(&mut self, stand: Stand, found: Option<Found>) -> Vec<Told> {
        let mut told = Vec::new();
        self.begin(stand.epoch, &mut told);
        if self.stand != Some(stand) {
            self.stand = Some(stand);
            let Stand { status, epoch } = stand;
            told.push(Told::Status(StatusEvent { status, epoch }));
        }
        let Some(found) = found else {
            return told;
        };
        // What we told from is gone: nobody knows what came behind it.
        let forgotten = found.newest.is_none_or(|newest| newest < self.place());
        if forgotten && self.seq > 0 && self.seq < u32::MAX && !self.lost {
            self.lost = true;
            told.push(Told::Lost(LostEvent { after: self.id(), next: None }));
        }
        for entry in found.entries {
            // A lease that was over before this listener came, or that ended since.
            if (entry.epoch, entry.seq) > self.place() && entry.epoch >= stand.epoch {
                self.hear(entry, &mut told);
            }
        }
        told
    }

    fn hear(&mut self, entry: Entry, told: &mut Vec<Told>) {
        let Entry { epoch, seq, event } = entry;
        self.begin(epoch, told);
        if seq > self.seq.saturating_add(1) {
            let next = EventId { epoch, place: Place::Seq(seq) };
            told.push(Told::Lost(LostEvent { after: self.id(), next: Some(next) }));
        }
        self.seq = seq;
        self.lost = false;
        let plain = ToldEvent { epoch, seq, percent: None, chunk: None, text: None };
        told.push(match event {
            Progress::Percent(percent) => {
                Told::Worker("progress", ToldEvent { percent: Some(percent), ..plain })
            }
            Progress::Output(chunk) => {
                Told::Worker("output", ToldEvent { chunk: Some(chunk), ..plain })
            }
            Progress::Log(text) => Told::Worker("log", ToldEvent { text: Some(text), ..plain }),
        });
    }

    /// Goes on to a newer lease. The first one is no restart.
    fn begin(&mut self, epoch: u64, told: &mut Vec<Told>) {
        if epoch <= self.epoch {
            return;
        }
        if self.epoch > 0 {
            told.push(Told::Restarted(RestartedEvent { epoch }));
        }
        self.epoch = epoch;
        self.seq = 0;
        self.lost = false;
    }

    fn id(&self) -> EventId {
        EventId { epoch: self.epoch, place: Place::Seq(self.seq) }
    }
}

#[cfg(test)]
mod tests;
