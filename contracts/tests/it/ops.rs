//! What can happen, at random.

use proptest::prelude::*;

use crate::books::{Operator, Sponsor, Worker};

pub(crate) const OPERATORS: usize = 2;
pub(crate) const SPONSORS: usize = 2;
pub(crate) const WORKERS: usize = 3;

/// One call, or time that passes.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Deposit(Sponsor, Operator, u128),
    AnnounceWithdrawal(Sponsor, Operator, u128),
    Withdraw(Sponsor, Operator),
    Allow(Sponsor, Operator, u128),
    Stake(Worker, u128),
    AnnounceUnstake(Worker, u128),
    Unstake(Worker),
    /// Each line with how far its number is from the right one, and whether a stranger sends it all.
    Settle(Operator, Vec<(Sponsor, Worker, i64, u128)>, bool),
    Claim(Worker),
    Slash(Worker),
    ReturnPay(Worker),
    PostJob(Sponsor, u128),
    Fulfil(Worker, usize),
    Reclaim(usize),
    /// In halves of a window.
    Pass(u64),
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![1 => Just(0), 8 => 1..=2_000_u128, 1 => Just(u128::from(u64::MAX))]
}

fn line() -> impl Strategy<Value = (Sponsor, Worker, i64, u128)> {
    let shift = prop_oneof![8 => Just(0), 1 => Just(-1), 1 => Just(1)];
    (0..SPONSORS, 0..WORKERS, shift, prop_oneof![1 => Just(0), 9 => 1..=900_u128])
}

fn settle() -> impl Strategy<Value = Op> {
    (0..OPERATORS, prop::collection::vec(line(), 1..5), any::<bool>())
        .prop_map(|(o, lines, alone)| Op::Settle(o, lines, alone))
}

/// What a sponsor can do alone.
pub(crate) fn sponsor_op(operators: std::ops::Range<Operator>) -> impl Strategy<Value = Op> {
    let (s, o) = (0..SPONSORS, operators);
    prop_oneof![
        2 => (s.clone(), o.clone(), 0..=2_000_u128).prop_map(|(s, o, n)| Op::Deposit(s, o, n)),
        2 => (s.clone(), o.clone(), amount()).prop_map(|(s, o, n)| Op::AnnounceWithdrawal(s, o, n)),
        2 => (s.clone(), o.clone()).prop_map(|(s, o)| Op::Withdraw(s, o)),
        2 => (s, o, amount()).prop_map(|(s, o, n)| Op::Allow(s, o, n)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (s, w) = (0..SPONSORS, 0..WORKERS);
    prop_oneof![
        6 => sponsor_op(0..OPERATORS),
        1 => (w.clone(), 0..=2_000_u128).prop_map(|(w, n)| Op::Stake(w, n)),
        1 => (w.clone(), amount()).prop_map(|(w, n)| Op::AnnounceUnstake(w, n)),
        1 => w.clone().prop_map(Op::Unstake),
        6 => settle(),
        2 => w.clone().prop_map(Op::Claim),
        1 => w.clone().prop_map(Op::ReturnPay),
        1 => (s, 5..=500_u128).prop_map(|(s, n)| Op::PostJob(s, n)),
        2 => (w, any::<usize>()).prop_map(|(w, n)| Op::Fulfil(w, n)),
        1 => any::<usize>().prop_map(Op::Reclaim),
        3 => prop_oneof![Just(1), Just(2), Just(4), Just(20)].prop_map(Op::Pass),
    ]
}

/// One call, or several that make sense together.
pub(crate) fn scene() -> impl Strategy<Value = Vec<Op>> {
    let (s, o, w) = (0..SPONSORS, 0..OPERATORS, 0..WORKERS);
    let price = 10..=500_u128;
    prop_oneof![
        10 => op().prop_map(|op| vec![op]),
        2 => (settle(), w.clone()).prop_map(|(settle, w)| vec![settle, Op::Pass(4), Op::Claim(w)]),
        1 => (settle(), w.clone()).prop_map(|(settle, w)| vec![settle, Op::Slash(w), Op::ReturnPay(w)]),
        2 => (s.clone(), o, amount()).prop_map(|(s, o, n)| {
            vec![Op::AnnounceWithdrawal(s, o, n), Op::Pass(4), Op::Withdraw(s, o)]
        }),
        1 => (w.clone(), amount()).prop_map(|(w, n)| {
            vec![Op::AnnounceUnstake(w, n), Op::Pass(10), Op::Unstake(w), Op::Stake(w, 600)]
        }),
        1 => (s.clone(), price.clone(), w).prop_map(|(s, n, w)| {
            vec![Op::PostJob(s, n), Op::Fulfil(w, usize::MAX)]
        }),
        1 => (s, price).prop_map(|(s, n)| vec![Op::PostJob(s, n), Op::Pass(6), Op::Reclaim(usize::MAX)]),
    ]
}
