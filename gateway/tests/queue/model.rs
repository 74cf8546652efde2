//! Any sequence of calls leaves the index with what a pure model says.

use std::collections::{BTreeMap, BTreeSet};

use ciro_api::{CostStep, JobId, LeaseId, Priority, SponsorId};
use ciro_gateway::queue::{Entry, Known, Queue};
use proptest::{prelude::*, test_runner::TestRunner};
use uuid::Uuid;

use crate::{POOL, entry, fresh, job};

#[derive(Clone, Debug)]
enum Op {
    Enqueue(Vec<(u8, u8, Priority, u32)>),
    Take(u32),
    /// Gives up the lease of one of the leased jobs, or of one that is not.
    Requeue(usize, bool),
    Drop(u8),
    Adopt(u8, u8, u8),
    Extend(u8, u8),
    /// Which sponsors have a cap, and which.
    Caps(Vec<(u8, u8)>),
}

fn priority() -> impl Strategy<Value = Priority> {
    prop_oneof![1 => Just(Priority::Low), 3 => Just(Priority::Normal), 1 => Just(Priority::High)]
}

/// From the cheapest to hours.
fn run_ms() -> impl Strategy<Value = u32> {
    prop_oneof![Just(1_u32), 2..50_u32, 1_000..10_000_000_u32]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => prop::collection::vec((0..60_u8, 0..4_u8, priority(), run_ms()), 1..8).prop_map(Op::Enqueue),
        4 => (1..6_u32).prop_map(Op::Take),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(n, right)| Op::Requeue(n, right)),
        1 => (0..60_u8).prop_map(Op::Drop),
        1 => (0..60_u8, 0..4_u8, 0..4_u8).prop_map(|(job, lease, of)| Op::Adopt(job, lease, of)),
        1 => prop::collection::btree_map(0..4_u8, 1..6_u8, 0..3)
            .prop_map(|caps| Op::Caps(caps.into_iter().collect())),
        1 => (0..60_u8, 0..4_u8).prop_map(|(job, lease)| Op::Extend(job, lease)),
    ]
}

/// Longer than any sequence takes.
const TTL_MS: u64 = 60_000;

/// The virtual time of a millisecond, as the functions count it.
const MS: f64 = 8_192.0;

/// Places are multiples of it, and what is left of one is the step of its job.
const STEPS: i64 = 128;

fn cost_of(step: i64) -> i64 {
    let quarters = f64::from(i32::try_from(step).unwrap());
    STEPS * whole((MS / real(STEPS) * 2_f64.powf(quarters / 4.0) + 0.5).floor())
}

/// The index as it should be.
#[derive(Debug, Default)]
struct Model {
    ready: BTreeMap<JobId, i64>,
    leases: BTreeMap<JobId, LeaseId>,
    next: BTreeMap<u128, i64>,
    clock: f64,
    caps: BTreeMap<u128, usize>,
    /// The jobs that count against a cap.
    counted: BTreeMap<JobId, u128>,
    /// Sponsor, haste, job, step.
    parked: BTreeSet<(u128, i64, JobId, i64)>,
}

impl Model {
    fn enqueue(&mut self, entry: &Entry) -> u64 {
        let Entry { job, sponsor, priority, cost, .. } = entry;
        let (sponsor, boost) = (sponsor.0.as_u128(), priority.head_start_jobs());
        let step = i64::from(cost.get());
        let is_parked = self.parked.contains(&(sponsor, -boost, *job, step));
        if self.ready.contains_key(job) || self.leases.contains_key(job) || is_parked {
            return 0;
        }
        if self.counted.contains_key(job) || self.room(sponsor) > 0 {
            self.count(*job, sponsor);
            self.place(*job, sponsor, boost, step);
        } else {
            self.parked.insert((sponsor, -boost, *job, step));
        }
        1
    }

    fn place(&mut self, job: JobId, sponsor: u128, boost: i64, step: i64) {
        let next = self.next.entry(sponsor).or_insert(0);
        let now = whole((self.clock / real(STEPS)).ceil()) * STEPS;
        let pass = (*next).max(now);
        *next = pass + cost_of(step);
        self.ready.insert(job, pass - boost * cost_of(step) + step);
    }

    fn room(&self, sponsor: u128) -> usize {
        let busy = self.counted.values().filter(|of| **of == sponsor).count();
        self.caps.get(&sponsor).map_or(100, |cap| cap.saturating_sub(busy))
    }

    fn count(&mut self, job: JobId, sponsor: u128) {
        if self.caps.contains_key(&sponsor) {
            self.counted.entry(job).or_insert(sponsor);
        }
    }

    fn unpark(&mut self, sponsor: u128) {
        let room = self.room(sponsor);
        let waiting: Vec<_> =
            self.parked.iter().filter(|(of, ..)| *of == sponsor).take(room).copied().collect();
        for (sponsor, haste, job, step) in waiting {
            self.parked.remove(&(sponsor, haste, job, step));
            self.count(job, sponsor);
            self.place(job, sponsor, -haste, step);
        }
    }

    fn set_caps(&mut self, caps: &[(u8, u8)]) {
        let before: Vec<u128> = self.caps.keys().copied().collect();
        let of = |(sponsor, cap): &(u8, u8)| (u128::from(*sponsor), usize::from(*cap));
        self.caps = caps.iter().map(of).collect();
        for sponsor in before {
            self.unpark(sponsor);
        }
    }

    fn take(&mut self, lease: LeaseId, most: u32) -> Vec<JobId> {
        let mut waiting: Vec<(i64, JobId)> =
            self.ready.iter().map(|(job, at)| (*at, *job)).collect();
        waiting.sort_by_key(|(at, job)| (*at, *job.0.as_bytes()));
        let active = self.next.len().min(waiting.len()).max(1);
        waiting.truncate(usize::try_from(most).unwrap());
        if waiting.is_empty() {
            return Vec::new();
        }
        let active = f64::from(u32::try_from(active).unwrap());
        let mut taken = Vec::new();
        for (at, job) in waiting {
            self.ready.remove(&job);
            self.leases.insert(job, lease);
            let step = at.rem_euclid(STEPS);
            self.clock = self.clock.max(real(at - step)) + real(cost_of(step)) / active;
            taken.push(job);
        }
        self.clock = self.clock.round_ties_even();
        let clock = whole(self.clock);
        self.next.retain(|_, next| *next > clock);
        if self.ready.is_empty() && self.next.is_empty() {
            self.clock = 0.0;
        }
        taken
    }

    fn requeue(&mut self, job: JobId, seen: Option<LeaseId>) -> u64 {
        let own = self.leases.get(&job).copied();
        if own.is_some() && own != seen {
            return 0;
        }
        let first = self.ready.values().min().copied().unwrap_or(whole(self.clock));
        self.leases.remove(&job);
        let front = first.min(whole(self.clock));
        self.ready.insert(job, front - front.rem_euclid(STEPS));
        1
    }

    fn drop_job(&mut self, job: JobId) -> u64 {
        let was_ready = self.ready.remove(&job).is_some();
        let was_leased = self.leases.remove(&job).is_some();
        if let Some(sponsor) = self.counted.remove(&job) {
            self.unpark(sponsor);
        }
        u64::from(was_ready) + u64::from(was_leased)
    }

    fn adopt(&mut self, job: JobId, lease: LeaseId, sponsor: u128) -> u64 {
        if self.leases.get(&job) == Some(&lease) {
            return 0;
        }
        self.ready.remove(&job);
        self.leases.insert(job, lease);
        self.count(job, sponsor);
        1
    }
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "far below 2^53")]
fn whole(value: f64) -> i64 {
    value as i64
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "far below 2^53")]
fn real(value: i64) -> f64 {
    value as f64
}

fn lease(number: u8) -> LeaseId {
    LeaseId(Uuid::from_u128(0x1ea5e + u128::from(number)))
}

async fn run(queue: &Queue, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for op in ops {
        match op {
            Op::Enqueue(wanted) => {
                let of = |(job, sponsor, priority, run_ms): &(u8, u8, Priority, u32)| Entry {
                    cost: CostStep::of_run(*run_ms),
                    ..entry(u128::from(*job), u128::from(*sponsor), *priority)
                };
                let entries: Vec<Entry> = wanted.iter().map(of).collect();
                let added = entries.iter().map(|entry| model.enqueue(entry)).sum::<u64>();
                prop_assert_eq!(queue.enqueue(&POOL, &entries).await.unwrap(), added);
            }
            Op::Take(most) => {
                let lease = LeaseId(Uuid::new_v4());
                let taken = queue.take(&POOL, lease, *most).await.unwrap();
                prop_assert_eq!(taken, model.take(lease, *most));
            }
            Op::Requeue(pick, right) => {
                let leased: Vec<JobId> = model.leases.keys().copied().collect();
                let Some(job) = leased.get(pick % leased.len().max(1)) else { continue };
                let seen = if *right { model.leases.get(job).copied() } else { Some(lease(9)) };
                let moved = model.requeue(*job, seen);
                prop_assert_eq!(queue.requeue(&POOL, *job, seen).await.unwrap(), moved);
            }
            Op::Drop(number) => {
                let job = job(u128::from(*number));
                let dropped = model.drop_job(job);
                prop_assert_eq!(queue.drop_jobs(&POOL, &[job]).await.unwrap(), dropped);
            }
            Op::Adopt(number, by, of) => {
                let (job, lease) = (job(u128::from(*number)), lease(*by));
                let adopted = model.adopt(job, lease, u128::from(*of));
                let sponsor = SponsorId(Uuid::from_u128(u128::from(*of)));
                let known = Known { job, lease, sponsor, left_ms: TTL_MS };
                prop_assert_eq!(queue.adopt(&POOL, &[known]).await.unwrap(), adopted);
            }
            Op::Caps(caps) => {
                model.set_caps(caps);
                let caps: Vec<(SponsorId, u32)> = caps
                    .iter()
                    .map(|(of, cap)| (SponsorId(Uuid::from_u128(u128::from(*of))), u32::from(*cap)))
                    .collect();
                queue.set_caps(&POOL, &caps).await.unwrap();
            }
            Op::Extend(number, by) => {
                let (job, lease) = (job(u128::from(*number)), lease(*by));
                let theirs = model.leases.get(&job) == Some(&lease);
                prop_assert_eq!(queue.extend(&POOL, &[(job, lease)]).await.unwrap(), [theirs]);
            }
        }
    }
    let lease = LeaseId(Uuid::new_v4());
    prop_assert_eq!(queue.take(&POOL, lease, 250).await.unwrap(), model.take(lease, 250));
    Ok(())
}

#[test]
fn any_sequence_of_calls_does_what_the_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (redis, queue) = fresh();
    let client = redis::Client::open(redis.url()).unwrap();
    let config = ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(op(), 1..40), |ops| {
            runtime.block_on(async {
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                redis::cmd("FLUSHALL").query_async::<String>(&mut connection).await.unwrap();
                run(&queue, &ops).await
            })
        })
        .unwrap();
}
