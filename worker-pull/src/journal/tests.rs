use std::collections::HashMap;

use ciro_api::{Address, Felt, Fri, felt};
use proptest::prelude::*;

use super::*;
use crate::{
    attest::{
        attest,
        tests::{fence, finished, open},
    },
    sign::Signer,
};

impl Journal {
    /// From now on every write fails as it does on a full disk.
    pub(crate) fn fill_disk(&mut self) {
        self.file = File::options().write(true).open("/dev/full").unwrap();
    }

    /// What was given to [`Journal::open`].
    pub(crate) fn state_dir(&self) -> &Path {
        self.path.ancestors().nth(2).unwrap()
    }

    pub(crate) fn free_disk(&mut self) {
        self.file = File::options().read(true).write(true).open(&self.path).unwrap();
    }
}

fn attempt(job: u128, epoch: u64) -> Attempt {
    fence(job, epoch).into()
}

fn answered(batch: &SignedBatch, accepted: bool) -> Record {
    let all: Vec<Attempt> = batch.results.iter().map(SignedResult::attempt).collect();
    let (accepted, refused) = if accepted { (all, Vec::new()) } else { (Vec::new(), all) };
    Record::Answered { batch: batch.number, accepted, refused }
}

/// A sponsor and its operator.
fn pair() -> (Address, Address) {
    (Address(Felt::from(9_u8)), Address(Felt::from(8_u8)))
}

fn countersigned(seq: u64, jobs: &[u128]) -> Countersigned {
    Countersigned {
        sponsor: pair().0,
        operator: pair().1,
        seq,
        count: u64::try_from(jobs.len()).unwrap(),
        amount_fri: Fri(1_000),
        root: felt::Digest(Felt::from(seq)),
        signature: Signer::of_test().sign(&a_login()).unwrap(),
        jobs: jobs.iter().map(|job| attempt(*job, 1).job).collect(),
    }
}

fn a_login() -> ciro_api::hash::worker_login::WorkerLogin {
    let Identity { worker, contract, .. } = Signer::of_test().identity();
    let challenge = felt::Digest(Felt::from(3_u8));
    ciro_api::hash::worker_login::WorkerLogin { worker, challenge, contract }
}

fn sign_one(journal: &mut Journal, job: u128, output: &[u8]) -> SignedBatch {
    attest(journal, &Signer::of_test(), &[finished(job, 1, output)]).unwrap().unwrap()
}

fn journal_path(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join(dir_name(&Signer::of_test().identity())).join("journal")
}

type Essence = (Vec<SignedBatch>, (usize, Fri), Vec<Option<Seen>>, Vec<Claim>, u64);

/// What must survive anything, in an order that does not depend on hashing.
fn essence(ledger: &Ledger) -> Essence {
    let seen = (0..12).map(|job| ledger.seen(attempt(job, 1))).collect();
    let unknown = felt::Digest(Felt::ZERO);
    let claims = (0..12).map(|job| ledger.claim(attempt(job, 1).job, unknown)).collect();
    let highest = ledger.statements(pair(), 1).1;
    (ledger.unanswered_batches(), ledger.unpaid(), seen, claims, highest)
}

#[test]
fn a_crash_at_any_byte_of_a_write_loses_no_earlier_record_and_the_journal_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    let mut ends = vec![journal.good_bytes];
    for job in 1..=3 {
        sign_one(&mut journal, job, b"output");
        ends.push(journal.good_bytes);
    }
    drop(journal);
    let whole = fs::read(journal_path(&dir)).unwrap();
    for end in 0..=whole.len() {
        fs::write(journal_path(&dir), &whole[..end]).unwrap();
        let mut journal = open(&dir);
        let survived = ends[1..].iter().filter(|at| usize::try_from(**at).unwrap() <= end).count();
        assert_eq!(journal.ledger().unanswered_batches().len(), survived, "cut at {end}");
        sign_one(&mut journal, 99, b"after the crash");
        drop(journal);
        assert_eq!(open(&dir).ledger().unanswered_batches().len(), survived + 1, "cut at {end}");
    }
}

#[test]
fn damage_in_the_middle_is_not_taken_for_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    sign_one(&mut journal, 1, b"first");
    sign_one(&mut journal, 2, b"second");
    drop(journal);
    let mut bytes = fs::read(journal_path(&dir)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(journal_path(&dir), &bytes).unwrap();
    let error = Journal::open(dir.path(), Signer::of_test().identity()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert_eq!(fs::read(journal_path(&dir)).unwrap(), bytes, "nothing was cut");
}

#[test]
fn two_processes_cannot_share_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&dir);
    let second = Journal::open(dir.path(), Signer::of_test().identity());
    assert!(matches!(second, Err(JournalError::InUse { .. })));
    drop(first);
    open(&dir);
}

#[test]
fn a_journal_of_another_worker_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let other = Identity { worker: Address(Felt::ONE), ..Signer::of_test().identity() };
    let theirs = dir.path().join(dir_name(&other));
    fs::create_dir(&theirs).unwrap();
    fs::copy(journal_path(&dir), theirs.join("journal")).unwrap();
    assert!(matches!(Journal::open(dir.path(), other), Err(JournalError::Foreign { .. })));
}

#[test]
fn an_accepted_result_is_earned_until_a_statement_pays_it_and_stays_attested_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    let batch = sign_one(&mut journal, 1, b"a");
    let attestation = batch.results[0].attestation;
    let job = attempt(1, 1).job;
    assert_eq!(journal.ledger().claim(job, attestation), Claim::Unanswered);
    journal.append(answered(&batch, true)).unwrap();
    assert!(matches!(journal.ledger().claim(job, attestation), Claim::Earned(_)));
    journal.append(Record::Countersigned(countersigned(1, &[1]))).unwrap();
    drop(journal);
    let journal = open(&dir);
    assert_eq!(journal.ledger().claim(job, attestation), Claim::None);
    assert_eq!(journal.ledger().seen(attempt(1, 1)), Some(Seen::Answered));
}

#[test]
fn a_refused_result_is_neither_earned_nor_attested_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    let batch = sign_one(&mut journal, 1, b"a");
    journal.append(answered(&batch, false)).unwrap();
    assert_eq!(journal.ledger().unpaid(), (0, Fri(0)));
    assert_eq!(journal.ledger().seen(attempt(1, 1)), Some(Seen::Answered));
    assert!(journal.ledger().unanswered_batches().is_empty());
}

#[test]
fn a_batch_answered_in_part_stays_whole_until_its_last_result_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    let two = [finished(1, 1, b"a"), finished(2, 1, b"b")];
    let batch = attest(&mut journal, &Signer::of_test(), &two).unwrap().unwrap();
    let number = batch.number;
    let accepted = vec![attempt(1, 1)];
    journal.append(Record::Answered { batch: number, accepted, refused: Vec::new() }).unwrap();
    assert_eq!(journal.ledger().unanswered_batches(), [batch]);
    journal.compact().unwrap();
    drop(journal);
    let mut journal = open(&dir);
    assert!(journal.ledger().is_open(number));
    assert_eq!(journal.ledger().unpaid().0, 1);
    let refused = vec![attempt(2, 1)];
    journal.append(Record::Answered { batch: number, accepted: Vec::new(), refused }).unwrap();
    assert!(!journal.ledger().is_open(number));
}

#[test]
fn a_journal_of_settled_work_does_not_grow_without_bound() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    let output = vec![7; 60_000];
    for job in 0..400 {
        let batch = sign_one(&mut journal, job, &output);
        journal.append(answered(&batch, true)).unwrap();
        let seq = u64::try_from(job).unwrap() + 1;
        journal.append(Record::Countersigned(countersigned(seq, &[job]))).unwrap();
        journal.compact_if_grown();
        let on_disk = fs::metadata(journal_path(&dir)).unwrap().len();
        assert!(on_disk <= 2 * COMPACT_BYTES_MIN, "{on_disk} after {job}");
    }
    drop(journal);
    let journal = open(&dir);
    assert_eq!(journal.ledger().seen(attempt(0, 1)), Some(Seen::Answered));
    assert_eq!(journal.ledger().statements(pair(), 400).1, 400);
}

#[test]
fn a_full_disk_fails_the_write_and_a_freed_one_takes_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(&dir);
    let batch = sign_one(&mut journal, 1, b"a");
    journal.fill_disk();
    let error = journal.append(answered(&batch, true)).unwrap_err();
    assert!(crate::work_loop::with_cause(&error).contains("No space left"), "{error:?}");
    assert_eq!(journal.ledger().unpaid().0, 0);
    journal.free_disk();
    journal.append(answered(&batch, true)).unwrap();
    drop(journal);
    assert_eq!(open(&dir).ledger().unpaid().0, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Run { job: u128, output: u8 },
    Answer { place: prop::sample::Index, accepted: bool },
    Countersign { job: u128 },
    Compact,
    Crash { torn_bytes: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u128, any::<u8>()).prop_map(|(job, output)| Step::Run { job, output }),
        3 => (any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(place, accepted)| Step::Answer { place, accepted }),
        1 => (0..12_u128).prop_map(|job| Step::Countersign { job }),
        1 => Just(Step::Compact),
        2 => (0..200_usize).prop_map(|torn_bytes| Step::Crash { torn_bytes }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_history_of_runs_answers_compactions_and_crashes_signs_a_lease_twice_or_forgets(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(&dir);
        let mut signed: HashMap<Attempt, Vec<u8>> = HashMap::new();
        let mut seq = 0;
        for step in steps {
            match step {
                Step::Run { job, output } => {
                    let results = [finished(job, 1, &[output])];
                    if attest(&mut journal, &Signer::of_test(), &results).unwrap().is_some() {
                        let before = signed.insert(attempt(job, 1), vec![output]);
                        prop_assert_eq!(before, None, "attested twice");
                    }
                }
                Step::Answer { place, accepted } => {
                    let open = journal.ledger().unanswered_batches();
                    if !open.is_empty() {
                        let batch = &open[place.index(open.len())];
                        journal.append(answered(batch, accepted)).unwrap();
                    }
                }
                Step::Countersign { job } => {
                    seq += 1;
                    journal.append(Record::Countersigned(countersigned(seq, &[job]))).unwrap();
                }
                Step::Compact => {
                    let before = essence(journal.ledger());
                    journal.compact().unwrap();
                    prop_assert_eq!(essence(journal.ledger()), before);
                }
                Step::Crash { torn_bytes } => {
                    let before = essence(journal.ledger());
                    drop(journal);
                    let mut bytes = fs::read(journal_path(&dir)).unwrap();
                    let half = frame::encode(&vec![b'x'; torn_bytes + 1]).unwrap();
                    bytes.extend_from_slice(&half[..half.len() - 1]);
                    fs::write(journal_path(&dir), bytes).unwrap();
                    journal = open(&dir);
                    prop_assert_eq!(essence(journal.ledger()), before);
                }
            }
        }
        for attempt in signed.keys() {
            prop_assert!(journal.ledger().seen(*attempt).is_some());
        }
    }
}
