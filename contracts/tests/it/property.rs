//! Any sequence of calls leaves the contracts with what the books say, to the fri.

use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    books::{Line, Sponsor, Worker},
    case::Case,
    net::{MIN_STAKE, Net},
    ops::{OPERATORS, Op, SPONSORS, WORKERS, scene, sponsor_op},
};

/// So that most sequences have something to move.
fn prelude() -> Vec<Op> {
    let mut ops = Vec::new();
    for (s, o) in (0..SPONSORS).flat_map(|s| (0..OPERATORS).map(move |o| (s, o))) {
        ops.extend([Op::Deposit(s, o, 3_000), Op::Allow(s, o, 2_000)]);
    }
    ops.extend((0..WORKERS).map(|w| Op::Stake(w, MIN_STAKE.0 + 101)));
    ops
}

async fn run(net: &Net, number: u128, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut case = Case::start(net, number).await;
    for op in prelude().iter().chain(ops) {
        case.step(op).await?;
        case.check().await?;
    }
    case.close().await
}

/// A share in percent of what the sponsor's budget with the first operator still is.
#[derive(Clone, Debug)]
struct Debt {
    sponsor: Sponsor,
    worker: Worker,
    percent: u128,
}

#[derive(Clone, Debug)]
struct Flight {
    before: Vec<Op>,
    debts: Vec<Debt>,
    /// What the sponsors try, and when: less than the notice in all.
    tricks: Vec<Op>,
    steps: Vec<usize>,
}

fn flight() -> impl Strategy<Value = Flight> {
    let before = prop_oneof![3 => sponsor_op(0..1), 1 => (1..=4_u64).prop_map(Op::Pass)];
    let debt = (0..SPONSORS, 0..2_usize, 1..=100_u128)
        .prop_map(|(sponsor, worker, percent)| Debt { sponsor, worker, percent });
    // The second operator and the third worker belong to the sponsors.
    let collusion =
        (0..SPONSORS, 1..=3_000_u128).prop_map(|(s, n)| Op::Settle(1, vec![(s, 2, 0, n)], true));
    let trick = prop_oneof![4 => sponsor_op(0..OPERATORS), 1 => collusion];
    (
        prop::collection::vec(before, 0..8),
        prop::collection::vec(debt, 1..5),
        prop::collection::vec(trick, 4..14),
        prop::collection::vec(any::<usize>(), 0..4),
    )
        .prop_map(|(before, debts, tricks, steps)| Flight { before, debts, tricks, steps })
}

/// The tricks with up to three steps of half a window among them: the notice is four.
fn timed(flight: &Flight) -> Vec<Op> {
    let mut ops = flight.tricks.clone();
    for at in &flight.steps {
        ops.insert(at % (ops.len() + 1), Op::Pass(1));
    }
    ops
}

async fn flee(net: &Net, number: u128, flight: &Flight) -> Result<(), TestCaseError> {
    let mut case = Case::start(net, number).await;
    for op in prelude().iter().chain(&flight.before) {
        case.step(op).await?;
    }
    let now = net.now().await;
    let mut owed: Vec<Line> = Vec::new();
    for Debt { sponsor, worker, percent } in flight.debts.iter().cloned() {
        let of_sponsor = owed.iter().filter(|line| line.sponsor == sponsor);
        let taken: u128 = of_sponsor.map(|line| line.amount).sum();
        let amount = (case.books.budget(sponsor, 0, now) - taken) * percent / 100;
        if amount > 0 {
            let before = owed.iter().filter(|l| (l.sponsor, l.worker) == (sponsor, worker)).count();
            let seq = case.books.next_seq(sponsor, 0, worker) + u64::try_from(before).unwrap();
            owed.push(Line { sponsor, worker, seq, amount });
        }
    }
    for op in timed(flight) {
        case.step(&op).await?;
    }
    if !owed.is_empty() {
        case.settle(0, &owed, true).await?;
        for Line { sponsor, worker, seq, .. } in owed {
            let is_paid = case.books.next_seq(sponsor, 0, worker) > seq;
            prop_assert!(is_paid, "sponsor {} left with what it owed worker {}", sponsor, worker);
        }
    }
    case.check().await?;
    case.close().await
}

fn run_cases<T: std::fmt::Debug>(
    cases: u32,
    strategy: &impl Strategy<Value = T>,
    test: &impl AsyncFn(&Net, u128, &T) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let accounts = u8::try_from(OPERATORS + SPONSORS + WORKERS + 1).unwrap();
    let net = runtime.block_on(Net::start(accounts));
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Default::default()
    };
    let number = std::cell::Cell::new(1_000_u128);
    TestRunner::new(config)
        .run(strategy, |input| {
            number.set(number.get() + 1);
            runtime.block_on(test(&net, number.get(), &input))
        })
        .unwrap();
}

#[test]
fn any_sequence_of_calls_conserves_every_fri_and_pays_nothing_twice() {
    let scenes = prop::collection::vec(scene(), 20..40);
    run_cases(10, &scenes, &async |net, number, scenes| run(net, number, &scenes.concat()).await);
}

#[test]
fn whatever_a_sponsor_does_within_the_notice_what_it_owed_is_paid() {
    run_cases(20, &flight(), &async |net, number, flight| flee(net, number, flight).await);
}
