//! Shares: nobody waits behind another's flood, and nobody waits for ever.

use std::collections::HashMap;

use ciro_api::{CostStep, JobId, Priority, limits::HEAD_START_JOBS};
use ciro_gateway::queue::{Entry, Queue};

use crate::{enqueue, entry, fresh, job, take};

/// The jobs of `sponsor` are numbered from here.
fn first_of(sponsor: u128) -> u128 {
    sponsor * 1_000_000
}

fn sponsor_of(job: JobId) -> u128 {
    job.0.as_u128() / 1_000_000
}

fn backlog(sponsor: u128, jobs: u128, priority: Priority) -> Vec<Entry> {
    (0..jobs).map(|n| entry(first_of(sponsor) + n, sponsor, priority)).collect()
}

/// How many of the next `jobs` are whose.
async fn served(queue: &Queue, jobs: u32) -> HashMap<u128, u32> {
    let mut counts = HashMap::new();
    let mut left = jobs;
    while left > 0 {
        let taken = take(queue, left.min(7)).await;
        assert!(!taken.is_empty(), "{left} jobs short");
        left -= u32::try_from(taken.len()).unwrap();
        for job in taken {
            *counts.entry(sponsor_of(job)).or_default() += 1;
        }
    }
    counts
}

#[tokio::test]
async fn a_sponsor_that_comes_late_is_served_at_once_beside_one_with_thousands_waiting() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &backlog(1, 5_000, Priority::Normal)).await;
    served(&queue, 500).await;
    enqueue(&queue, &backlog(2, 20, Priority::Normal)).await;
    let counts = served(&queue, 42).await;
    assert_eq!(counts[&2], 20, "{counts:?}");
}

#[tokio::test]
async fn sponsors_with_backlogs_of_any_size_have_equal_shares_within_a_tenth() {
    let (_redis, queue) = fresh();
    for (sponsor, jobs) in [(1, 4_000), (2, 900), (3, 1_500), (4, 700), (5, 2_500)] {
        enqueue(&queue, &backlog(sponsor, jobs, Priority::Normal)).await;
    }
    let counts = served(&queue, 3_000).await;
    for sponsor in 1..=5 {
        assert!(counts[&sponsor].abs_diff(600) <= 60, "{counts:?}");
    }
}

#[tokio::test]
async fn shares_are_of_device_time_and_not_of_jobs() {
    let (_redis, queue) = fresh();
    let heavy = CostStep::of_run(64);
    let slow =
        backlog(1, 400, Priority::Normal).into_iter().map(|job| Entry { cost: heavy, ..job });
    enqueue(&queue, &slow.collect::<Vec<_>>()).await;
    enqueue(&queue, &backlog(2, 4_000, Priority::Normal)).await;
    let counts = served(&queue, 65 * 50).await;
    // 64 ms of the one for 64 jobs of a millisecond of the other.
    assert!(counts[&1].abs_diff(50) <= 5, "{counts:?}");
}

#[tokio::test]
async fn a_pool_that_runs_dry_forgets_what_was_served() {
    let (redis, queue) = fresh();
    enqueue(&queue, &backlog(1, 100, Priority::Normal)).await;
    served(&queue, 100).await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let clock: Option<String> =
        redis::cmd("GET").arg("{ciro:cpu}:clock").query_async(&mut connection).await.unwrap();
    assert_eq!(clock, None);
}

#[tokio::test]
async fn a_sponsor_that_was_away_has_saved_up_nothing() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &backlog(1, 1, Priority::Normal)).await;
    enqueue(&queue, &backlog(2, 3_000, Priority::Normal)).await;
    served(&queue, 1_000).await;
    let again: Vec<Entry> =
        (1..=1_000).map(|n| entry(first_of(1) + n, 1, Priority::Normal)).collect();
    enqueue(&queue, &again).await;
    let counts = served(&queue, 200).await;
    assert!(counts[&1].abs_diff(100) <= 10, "{counts:?}");
}

#[tokio::test]
async fn priorities_of_one_sponsor_take_nothing_from_another() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &backlog(1, 2_000, Priority::High)).await;
    enqueue(&queue, &backlog(2, 2_000, Priority::Normal)).await;
    // The head start is worth so many jobs, once.
    let head_start = u32::try_from(HEAD_START_JOBS).unwrap();
    let first = served(&queue, head_start).await;
    assert!(first[&1] >= head_start - 1, "{first:?}");
    let counts = served(&queue, 1_000).await;
    assert!(counts[&1].abs_diff(500) <= 50, "{counts:?}");
}

/// The bound: a low priority waits for its own sponsor's place and twice the head start, of each of those that are
/// active. Each that comes in its place is new, and so is placed at virtual time with a head start.
#[tokio::test]
async fn a_low_priority_is_served_within_its_bound_however_many_new_sponsors_push_in() {
    const SPONSORS_AT_ONCE: u32 = 4;
    let (_redis, queue) = fresh();
    let low = entry(1, 0, Priority::Low);
    enqueue(&queue, &[low]).await;
    let head_start = u32::try_from(HEAD_START_JOBS).unwrap();
    // Those, the newest, and the low one itself.
    let active = SPONSORS_AT_ONCE + 2;
    let bound = (2 * head_start + 1) * active;
    let newcomer = |sponsor: u128| entry(first_of(sponsor), sponsor, Priority::High);
    let others: Vec<Entry> = (1..=u128::from(SPONSORS_AT_ONCE)).map(newcomer).collect();
    enqueue(&queue, &others).await;
    for waited in 0..=bound {
        enqueue(&queue, &[newcomer(u128::from(SPONSORS_AT_ONCE + 1 + waited))]).await;
        if take(&queue, 1).await == [job(1)] {
            assert!(waited > head_start, "it should wait");
            return;
        }
    }
    panic!("it was passed by more than {bound}");
}
