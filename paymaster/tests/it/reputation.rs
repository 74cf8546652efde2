//! Reputations in a real database: what is recorded there counts, decays and is forgotten, whoever else writes.

use std::collections::BTreeMap;

use ciro_api::{Address, DeviceId, Felt, Fri};
use ciro_paymaster::reputation::{
    self, Count, Event, Outcome, Reputation, Standing, Subject, Thresholds,
};
use deadpool_postgres::Client;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::harness::{connect, fresh_database};

/// Noon of 26 November 2026, in UTC.
fn noon() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_694_400).unwrap()
}

fn account(number: u64) -> Subject {
    Subject::Account(Address(Felt::from(number)))
}

fn device(number: u128) -> Subject {
    Subject::Device(DeviceId(Uuid::from_u128(number)))
}

const CLASS: Subject = Subject::Class(Felt::from_hex_unchecked("0xc1a"));

fn operations(count: u64) -> Count {
    Count { millionths: count * Count::ONE.millionths }
}

/// Records the same outcome for so many operations, in a transaction of its own.
async fn record(
    client: &mut Client,
    subjects: &[Subject],
    outcome: Outcome,
    count: usize,
    now: OffsetDateTime,
) {
    let tx = client.transaction().await.unwrap();
    let events = vec![Event { subjects, outcome }; count];
    reputation::record(&tx, &events, now).await.unwrap();
    tx.commit().await.unwrap();
}

async fn standing(client: &Client, subjects: &[Subject], now: OffsetDateTime) -> Standing {
    reputation::standing(&***client, subjects, &Thresholds::default(), now).await.unwrap()
}

async fn of(client: &Client, subject: Subject, now: OffsetDateTime) -> Reputation {
    reputation::of(&***client, subject, now).await.unwrap()
}

async fn forget(client: &Client, now: OffsetDateTime) -> u64 {
    reputation::forget(&***client, now).await.unwrap()
}

#[tokio::test]
async fn what_is_recorded_counts_for_all_who_had_part_in_it_and_for_nobody_else() {
    let mut client = connect(&fresh_database().await).await;
    let subjects = [CLASS, account(1), device(1), account(1)];
    assert_eq!(standing(&client, &subjects, noon()).await, Standing::Good);
    record(&mut client, &subjects, Outcome::Seen, 3, noon()).await;
    record(&mut client, &subjects, Outcome::Succeeded, 1, noon()).await;
    record(&mut client, &subjects[..2], Outcome::Reverted { cost: Fri(7) }, 2, noon()).await;
    let both = Reputation {
        seen: operations(3),
        included: operations(1),
        reverted: operations(2),
        revert_cost: Fri(14),
    };
    assert_eq!(of(&client, account(1), noon()).await, both);
    assert_eq!(of(&client, CLASS, noon()).await, both);
    let apart = Reputation { reverted: Count::default(), revert_cost: Fri::ZERO, ..both };
    assert_eq!(of(&client, device(1), noon()).await, apart);
    assert_eq!(of(&client, account(2), noon()).await, Reputation::default());
    record(&mut client, &[], Outcome::Seen, 1, noon()).await;
}

#[tokio::test]
async fn a_subject_is_throttled_until_the_very_moment_that_it_is_told() {
    let mut client = connect(&fresh_database().await).await;
    let first_seen = noon() - Duration::minutes(25);
    let subjects = [account(1), device(1), CLASS];
    record(&mut client, &subjects[..1], Outcome::Seen, 100, first_seen).await;
    assert_eq!(standing(&client, &subjects, noon()).await, Standing::Good);
    record(&mut client, &subjects[..1], Outcome::Seen, 20, noon()).await;
    let Standing::Throttled { subject, until } = standing(&client, &subjects, noon()).await else {
        panic!("not throttled")
    };
    // 120 operations lose a 24th five times until they are no more than 100, by the hours of who was first seen.
    assert_eq!((subject, until), (account(1), first_seen + Duration::hours(5)));
    let before = standing(&client, &subjects, until - Duration::microseconds(1)).await;
    assert_eq!(before, Standing::Throttled { subject, until });
    assert_eq!(standing(&client, &subjects, until).await, Standing::Good);
}

#[tokio::test]
async fn who_is_banned_is_throttled_next_and_what_was_included_speaks_for_it() {
    let mut client = connect(&fresh_database().await).await;
    record(&mut client, &[account(1)], Outcome::Seen, 501, noon()).await;
    let Standing::Banned { until, .. } = standing(&client, &[account(1)], noon()).await else {
        panic!("not banned")
    };
    assert_eq!(until, noon() + Duration::hours(1));
    let next = standing(&client, &[account(1)], until).await;
    assert!(matches!(next, Standing::Throttled { until: later, .. } if later > until), "{next:?}");
    record(&mut client, &[account(1)], Outcome::Succeeded, 50, noon()).await;
    assert_eq!(standing(&client, &[account(1)], noon()).await, Standing::Good);
}

#[tokio::test]
async fn reverts_that_cost_too_much_ban_an_account_and_only_throttle_its_class() {
    let mut client = connect(&fresh_database().await).await;
    let cost = Fri(9 * Fri::ONE_STRK.0);
    let both = [account(1), CLASS];
    for _ in 0..12 {
        record(&mut client, &both, Outcome::Seen, 1, noon()).await;
        record(&mut client, &both, Outcome::Reverted { cost }, 1, noon()).await;
    }
    let banned = standing(&client, &both, noon()).await;
    assert!(matches!(banned, Standing::Banned { subject, .. } if subject == account(1)));
    // Another account of the class.
    let shared = standing(&client, &[account(2), CLASS], noon()).await;
    assert!(
        matches!(shared, Standing::Throttled { subject, .. } if subject == CLASS),
        "{shared:?}"
    );
}

#[tokio::test]
async fn of_two_that_stand_alike_the_one_that_stands_so_for_longer_is_named() {
    let mut client = connect(&fresh_database().await).await;
    record(&mut client, &[account(1)], Outcome::Seen, 110, noon()).await;
    record(&mut client, &[device(1)], Outcome::Seen, 400, noon()).await;
    record(&mut client, &[CLASS], Outcome::Seen, 105, noon()).await;
    let worst = standing(&client, &[account(1), device(1), CLASS], noon()).await;
    assert!(matches!(worst, Standing::Throttled { subject, .. } if subject == device(1)));
}

#[tokio::test]
async fn the_database_and_we_work_out_the_same_however_often_it_is_written() {
    let mut client = connect(&fresh_database().await).await;
    let cost = Fri(12_345_678_901_234_567);
    let (mut expected, mut now) = (Reputation::default(), noon());
    record(&mut client, &[account(1)], Outcome::Seen, 0, now).await;
    for step in [0, 59, 1, 7, 200, 3_000, 61, 119, 90_000, 1_440] {
        let before = (now - noon()).whole_hours();
        now += Duration::minutes(step);
        let passed = u32::try_from((now - noon()).whole_hours() - before).unwrap();
        expected = expected.after(passed);
        record(&mut client, &[account(1)], Outcome::Reverted { cost }, 3, now).await;
        expected.reverted.millionths += 3 * Count::ONE.millionths;
        expected.revert_cost.0 += 3 * cost.0;
        assert_eq!(of(&client, account(1), now).await, expected, "after {step} minutes");
    }
    let sql = "select decayed($1::text::numeric, $2)::text";
    for amount in [1, 23, 24, 25, 1_000_003, u64::MAX.into(), 10_u128.pow(38)] {
        for hours in [0_u32, 1, 24, 100, 2_000, 4_000] {
            let text = amount.to_string();
            let row = client.query_one(sql, &[&text, &i64::from(hours)]).await.unwrap();
            let all = Reputation { revert_cost: Fri(amount), ..Reputation::default() };
            let ours = all.after(hours).revert_cost.to_string();
            assert_eq!(row.get::<_, String>(0), ours, "{amount} after {hours} hours");
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_takes_nothing_back() {
    let mut client = connect(&fresh_database().await).await;
    record(&mut client, &[account(1)], Outcome::Seen, 1, noon()).await;
    let behind = noon() - Duration::hours(30);
    assert_eq!(of(&client, account(1), behind).await.seen, operations(1));
    record(&mut client, &[account(1)], Outcome::Seen, 1, behind).await;
    assert_eq!(of(&client, account(1), noon()).await.seen, operations(2));
}

#[tokio::test]
async fn no_cost_is_too_large_to_be_recorded() {
    let mut client = connect(&fresh_database().await).await;
    let all = Outcome::Reverted { cost: Fri(u128::MAX) };
    for _ in 0..2 {
        record(&mut client, &[account(1)], all, 2, noon()).await;
    }
    assert_eq!(of(&client, account(1), noon()).await.revert_cost, Fri(10_u128.pow(38)));
    let standing = standing(&client, &[account(1)], noon()).await;
    assert!(matches!(standing, Standing::Banned { .. }), "{standing:?}");
}

#[tokio::test]
async fn what_is_not_committed_has_not_happened() {
    let mut client = connect(&fresh_database().await).await;
    let tx = client.transaction().await.unwrap();
    let events = [Event { subjects: &[account(1)], outcome: Outcome::Seen }];
    reputation::record(&tx, &events, noon()).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(of(&client, account(1), noon()).await, Reputation::default());
}

/// The number of one writer among several, which makes its order of the subjects another one than those of the others.
fn shuffled(writer: usize, round: usize) -> Vec<Subject> {
    let mut all: Vec<Subject> = (1..=4).map(account).chain((1..=4).map(device)).collect();
    all.push(CLASS);
    let length = all.len();
    all.rotate_left((writer + round) % length);
    if writer % 2 == 1 {
        all.reverse();
    }
    all
}

#[tokio::test]
async fn writers_that_name_the_same_subjects_in_any_order_never_deadlock_and_lose_nothing() {
    let config = fresh_database().await;
    let client = connect(&config).await;
    let mut writers = JoinSet::new();
    for writer in 0..12 {
        let config = config.clone();
        writers.spawn(async move {
            let mut client = connect(&config).await;
            for round in 0..20 {
                let subjects = shuffled(writer, round);
                let events: Vec<Event<'_>> = subjects
                    .chunks(2)
                    .map(|subjects| Event { subjects, outcome: Outcome::Seen })
                    .collect();
                let tx = client.transaction().await.unwrap();
                reputation::record(&tx, &events, noon()).await.unwrap();
                // So that all of them hold their locks beside each other for a while.
                tx.batch_execute("select pg_sleep(0.002)").await.unwrap();
                tx.commit().await.unwrap();
            }
        });
    }
    // Forgetting beside them waits for nobody, and nobody deadlocks with it.
    for _ in 0..50 {
        assert_eq!(forget(&client, noon()).await, 0);
    }
    writers.join_all().await;
    for subject in shuffled(0, 0) {
        assert_eq!(of(&client, subject, noon()).await.seen, operations(240), "{subject}");
    }
}

#[tokio::test]
async fn who_has_decayed_to_nothing_is_forgotten_and_nobody_else() {
    let mut client = connect(&fresh_database().await).await;
    let cost = Fri(Fri::ONE_STRK.0);
    record(&mut client, &[account(1), CLASS], Outcome::Seen, 1, noon()).await;
    record(&mut client, &[account(2)], Outcome::Reverted { cost }, 1, noon()).await;
    let (mut gone, mut now) = (BTreeMap::new(), noon());
    while gone.values().sum::<u64>() < 3 {
        let forgotten = forget(&client, now).await;
        if forgotten > 0 {
            let left = of(&client, account(2), now).await;
            gone.insert((now - noon()).whole_hours(), forgotten);
            assert!(gone.len() == 2 || left != Reputation::default(), "{gone:?}");
        }
        now += Duration::hours(1);
    }
    assert_eq!(gone, BTreeMap::from([(264, 2), (914, 1)]));
    let rows = client.query_one("select count(*) from reputation", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn who_comes_back_while_it_is_forgotten_is_kept() {
    let config = fresh_database().await;
    let mut client = connect(&config).await;
    record(&mut client, &[account(1)], Outcome::Seen, 1, noon()).await;
    let later = noon() + Duration::days(30);
    let tx = client.transaction().await.unwrap();
    let events = [Event { subjects: &[account(1)], outcome: Outcome::Seen }];
    reputation::record(&tx, &events, later).await.unwrap();
    let other = connect(&config).await;
    assert_eq!(forget(&other, later).await, 0, "a row that is being written was waited for");
    tx.commit().await.unwrap();
    assert_eq!(forget(&other, later).await, 0);
    assert_eq!(of(&client, account(1), later).await.seen, operations(1));
}
