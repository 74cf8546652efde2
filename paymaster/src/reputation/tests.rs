use ciro_api::{Address, DeviceId, Felt, Fri};
use proptest::prelude::*;
use uuid::Uuid;

use super::{decay::HOURS_OF_ONE, thresholds::Level, *};

fn account() -> Subject {
    Subject::Account(Address(Felt::ONE))
}

fn class() -> Subject {
    Subject::Class(Felt::TWO)
}

fn operations(count: u64) -> Count {
    Count { millionths: count * Count::ONE.millionths }
}

fn reputation(seen: u64, included: u64, cost: Fri) -> Reputation {
    let (seen, included) = (operations(seen), operations(included));
    Reputation { seen, included, reverted: Count::default(), revert_cost: cost }
}

fn level(subject: Subject, reputation: &Reputation) -> Level {
    Thresholds::default().level(subject, reputation)
}

#[test]
fn a_subject_counts_as_bad_just_above_each_threshold() {
    let strk = Fri::ONE_STRK.0;
    for (seen, included, cost, expected) in [
        (0, 0, 0, Level::Good),
        (100, 0, 0, Level::Good),
        (101, 0, 0, Level::Throttled),
        (500, 0, 0, Level::Throttled),
        (501, 0, 0, Level::Banned),
        (1_000, 90, 0, Level::Good),
        (1_001, 90, 0, Level::Throttled),
        (1_400, 90, 0, Level::Throttled),
        (1_401, 90, 0, Level::Banned),
        (60, 0, strk, Level::Good),
        (60, 0, strk + 1, Level::Throttled),
        (60, 60, 5 * strk, Level::Throttled),
        (60, 60, 5 * strk + 1, Level::Banned),
    ] {
        let reputation = reputation(seen, included, Fri(cost));
        assert_eq!(level(account(), &reputation), expected, "{reputation:?}");
        let device = Subject::Device(DeviceId(Uuid::nil()));
        assert_eq!(level(device, &reputation), expected, "{reputation:?}");
    }
}

#[test]
fn a_class_is_throttled_and_never_banned() {
    let strk = Fri::ONE_STRK.0;
    assert_eq!(level(class(), &reputation(1_000, 1_000, Fri(100 * strk))), Level::Good);
    assert_eq!(level(class(), &reputation(1_000, 1_000, Fri(100 * strk + 1))), Level::Throttled);
    assert_eq!(level(class(), &reputation(101, 0, Fri::ZERO)), Level::Throttled);
    assert_eq!(
        level(class(), &reputation(u64::MAX / 2_000_000, 0, Fri(u128::MAX))),
        Level::Throttled
    );
}

#[test]
fn subjects_that_many_share_are_locked_last() {
    let device = Subject::Device(DeviceId(Uuid::max()));
    let mut all = [class(), device, account()];
    all.sort_unstable();
    assert_eq!(all, [account(), device, class()]);
}

#[test]
fn one_operation_is_gone_after_exactly_so_many_hours() {
    let one = reputation(1, 0, Fri::ZERO);
    assert_ne!(one.after(HOURS_OF_ONE - 1), Reputation::default());
    assert_eq!(one.after(HOURS_OF_ONE), Reputation::default());
    assert_eq!(HOURS_OF_ONE.div_ceil(24), 11, "what the documentation says in days");
    let five_strk = reputation(0, 0, Fri(5 * Fri::ONE_STRK.0));
    assert_eq!(five_strk.after(24 * 7 * 6), Reputation::default());
    let all = Reputation { revert_cost: Fri(u128::MAX), ..Reputation::default() };
    assert_eq!(all.after(2_100), Reputation::default());
}

fn any_reputation() -> impl Strategy<Value = Reputation> {
    let count = || (0..2_000_000_000_u64).prop_map(|millionths| Count { millionths });
    let cost = prop_oneof![0..20 * Fri::ONE_STRK.0, any::<u128>()];
    (count(), count(), count(), cost).prop_map(|(seen, included, reverted, cost)| Reputation {
        seen,
        included,
        reverted,
        revert_cost: Fri(cost),
    })
}

fn any_subject() -> impl Strategy<Value = Subject> {
    prop_oneof![Just(account()), Just(class())]
}

proptest! {
    #[test]
    fn what_is_left_never_grows_and_more_never_becomes_less(
        less in any_reputation(), more in any::<u64>(), hours in 0..400_u32,
    ) {
        let (now, later) = (less.after(hours), less.after(hours + 1));
        prop_assert!(later.seen <= now.seen && later.revert_cost <= now.revert_cost);
        prop_assert!(later == Reputation::default() || later != now, "something stays for ever");
        let more = Fri(less.revert_cost.0.saturating_add(more.into()));
        let more = Reputation { revert_cost: more, ..less };
        prop_assert!(more.after(hours).revert_cost >= now.revert_cost);
    }

    #[test]
    fn it_does_not_matter_how_often_it_was_worked_out(
        reputation in any_reputation(), first in 0..300_u32, then in 0..300_u32,
    ) {
        prop_assert_eq!(reputation.after(first).after(then), reputation.after(first + then));
    }

    #[test]
    fn rounding_takes_less_than_24_units(units in 0..1_u64 << 44, hours in 0..17_u32) {
        let counted = Reputation { seen: Count { millionths: units }, ..Reputation::default() };
        let left = u128::from(counted.after(hours).seen.millionths) * 24_u128.pow(hours);
        let exact = u128::from(units) * 23_u128.pow(hours);
        prop_assert!(left <= exact && exact - left <= 24 * 24_u128.pow(hours));
    }

    #[test]
    fn a_standing_gets_better_in_that_hour_and_no_sooner_and_stays_so(
        reputation in any_reputation(), subject in any_subject(), beyond in 0..100_u32,
    ) {
        let thresholds = Thresholds::default();
        let level = |hours| thresholds.level(subject, &reputation.after(hours));
        let hours = thresholds.hours_until_better(subject, reputation);
        if level(0) == Level::Good {
            prop_assert_eq!(hours, 0);
        } else {
            prop_assert!(hours > 0 && level(hours - 1) >= level(0) && level(hours) < level(0));
            prop_assert!(level(hours + beyond) < level(0));
        }
    }
}
