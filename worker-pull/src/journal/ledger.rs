//! What the journal's records add up to. Pure: the same records always give the same ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ciro_api::{Address, Fri, JobId, felt::Digest};

use super::record::{Attempt, Countersigned, Earned, Record, SignedBatch, pack, unpack};

/// Attempts remembered after their answer: about 50 MB in memory at most. Ids sort by time, so what is forgotten
/// first is oldest, and everything as old is then refused instead of risking a second output.
const DONE_MAX: usize = 1_000_000;
/// Unpaid receipts before the worker stops working on credit: a thousand full statements.
const UNPAID_MAX: usize = 1_000_000;
/// Unanswered batches before the worker stops making more.
const UNANSWERED_MAX: usize = 1_024;
/// Statements remembered per sponsor and operator, so that a lost reply can be answered with the same signature.
const STATEMENTS_KEPT: usize = 64;
/// Entries per snapshot record: far below the record bound.
const CHUNK: usize = 8_192;

/// Why an attempt must not run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Signed, and the gateway has not answered.
    Unanswered,
    /// Signed, and the gateway has answered.
    Answered,
    /// Too old to know.
    Forgotten,
}

/// What the ledger knows of a receipt's job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Accepted and unpaid.
    Earned(Earned),
    /// Signed; the gateway's answer is under way.
    Unanswered,
    /// Never accepted, or paid already.
    None,
}

#[derive(Debug)]
struct Unanswered {
    batch: SignedBatch,
    open: HashSet<Attempt>,
}

/// Everything the worker must remember.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    next_batch: u64,
    batches: BTreeMap<u64, Unanswered>,
    unanswered: HashMap<Attempt, Digest>,
    done: BTreeSet<Attempt>,
    forgotten: Option<JobId>,
    earned: HashMap<JobId, Earned>,
    statements: HashMap<(Address, Address), BTreeMap<u64, Countersigned>>,
}

impl Ledger {
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Opened(_) => {}
            Record::Signed(batch) => self.signed(batch),
            Record::Answered { batch, accepted, refused } => {
                self.answered(batch, &accepted, &refused);
            }
            Record::Countersigned(statement) => self.countersigned(statement),
            Record::Earned { receipts } => {
                self.earned.extend(receipts.into_iter().map(|receipt| (receipt.job, receipt)));
            }
            Record::Done { packed } => self.done.extend(unpack(&packed)),
            Record::Forgotten { up_to } => self.forgotten = self.forgotten.max(Some(up_to)),
            Record::NextBatch { number } => self.next_batch = self.next_batch.max(number),
        }
    }

    fn signed(&mut self, batch: SignedBatch) {
        self.next_batch = self.next_batch.max(batch.number.saturating_add(1));
        let open: HashSet<Attempt> =
            batch.results.iter().map(super::SignedResult::attempt).collect();
        let hashes = batch.results.iter().map(|result| (result.attempt(), result.attestation));
        self.unanswered.extend(hashes);
        self.batches.insert(batch.number, Unanswered { batch, open });
    }

    fn answered(&mut self, number: u64, accepted: &[Attempt], refused: &[Attempt]) {
        let Some(entry) = self.batches.get_mut(&number) else {
            return;
        };
        for attempt in accepted.iter().chain(refused) {
            if !entry.open.remove(attempt) {
                continue;
            }
            self.unanswered.remove(attempt);
            self.done.insert(*attempt);
            let result = entry.batch.results.iter().find(|result| result.attempt() == *attempt);
            if let Some(result) = result.filter(|_| accepted.contains(attempt)) {
                let job = attempt.job;
                let (attestation, amount_fri) = (result.attestation, result.amount_fri);
                // One job is paid once: a second accepted attempt would be the gateway's mistake.
                self.earned.entry(job).or_insert(Earned { job, attestation, amount_fri });
            }
        }
        if entry.open.is_empty() {
            self.batches.remove(&number);
        }
        while self.done.len() > DONE_MAX {
            self.forgotten = self.forgotten.max(self.done.pop_first().map(|oldest| oldest.job));
        }
    }

    fn countersigned(&mut self, mut statement: Countersigned) {
        for job in std::mem::take(&mut statement.jobs) {
            self.earned.remove(&job);
        }
        let kept = self.statements.entry((statement.sponsor, statement.operator)).or_default();
        kept.insert(statement.seq, statement);
        while kept.len() > STATEMENTS_KEPT {
            kept.pop_first();
        }
    }

    /// Whether this lease of the job was attested before, or may have been.
    pub(crate) fn seen(&self, attempt: Attempt) -> Option<Seen> {
        if self.unanswered.contains_key(&attempt) {
            Some(Seen::Unanswered)
        } else if self.done.contains(&attempt) {
            Some(Seen::Answered)
        } else {
            self.forgotten.filter(|up_to| attempt.job <= *up_to).map(|_| Seen::Forgotten)
        }
    }

    pub(crate) fn claim(&self, job: JobId, attestation: Digest) -> Claim {
        if let Some(earned) = self.earned.get(&job) {
            return Claim::Earned(*earned);
        }
        let mut open = self.unanswered.iter();
        let found = open.any(|(attempt, hash)| attempt.job == job && *hash == attestation);
        if found { Claim::Unanswered } else { Claim::None }
    }

    /// The statement agreed to at this place, and the highest place agreed to.
    pub(crate) fn statements(
        &self,
        (sponsor, operator): (Address, Address),
        seq: u64,
    ) -> (Option<&Countersigned>, u64) {
        let kept = self.statements.get(&(sponsor, operator));
        let highest = kept.and_then(|kept| kept.last_key_value()).map_or(0, |(seq, _)| *seq);
        (kept.and_then(|kept| kept.get(&seq)), highest)
    }

    pub(crate) fn next_batch(&self) -> u64 {
        self.next_batch
    }

    pub(crate) fn is_open(&self, batch: u64) -> bool {
        self.batches.contains_key(&batch)
    }

    pub(crate) fn unanswered_batches(&self) -> Vec<SignedBatch> {
        self.batches.values().map(|entry| entry.batch.clone()).collect()
    }

    /// Why no more work should be taken, if there is a reason.
    pub(crate) fn overdue(&self) -> Option<&'static str> {
        if self.batches.len() >= UNANSWERED_MAX {
            Some("the gateway has left too many signed batches unanswered")
        } else if self.earned.len() >= UNPAID_MAX {
            Some("the gateway has left too many accepted results without a statement")
        } else {
            None
        }
    }

    /// What accepted results will pay once stated: count and sum.
    pub(crate) fn unpaid(&self) -> (usize, Fri) {
        let sum = self.earned.values().fold(0_u128, |sum, e| sum.saturating_add(e.amount_fri.0));
        (self.earned.len(), Fri(sum))
    }

    /// The fewest records that add up to this ledger.
    pub(crate) fn snapshot(&self) -> Vec<Record> {
        let mut records = vec![Record::NextBatch { number: self.next_batch }];
        records.extend(self.forgotten.map(|up_to| Record::Forgotten { up_to }));
        let done: Vec<Attempt> = self.done.iter().copied().collect();
        records.extend(done.chunks(CHUNK).map(|chunk| Record::Done { packed: pack(chunk) }));
        let earned: Vec<Earned> = self.earned.values().copied().collect();
        let chunks = earned.chunks(CHUNK);
        records.extend(chunks.map(|chunk| Record::Earned { receipts: chunk.to_vec() }));
        let statements = self.statements.values().flat_map(BTreeMap::values);
        records.extend(statements.cloned().map(Record::Countersigned));
        for (number, entry) in &self.batches {
            records.push(Record::Signed(entry.batch.clone()));
            let closed = entry.batch.results.iter().map(super::SignedResult::attempt);
            let refused: Vec<Attempt> = closed.filter(|a| !entry.open.contains(a)).collect();
            if !refused.is_empty() {
                // Who was accepted is in `Earned`, or paid: here only the end of the wait matters.
                let accepted = Vec::new();
                records.push(Record::Answered { batch: *number, accepted, refused });
            }
        }
        records
    }
}
