//! One job: where it is placed, when it may be had, and that it is never there twice.

use std::time::Duration;

use ciro_api::{LeaseId, Priority};
use ciro_gateway::queue::Entry;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{POOL, enqueue, entry, fresh, job, take};

fn entries(numbers: std::ops::Range<u128>, sponsor: u128, priority: Priority) -> Vec<Entry> {
    numbers.map(|number| entry(number, sponsor, priority)).collect()
}

#[tokio::test]
async fn one_sponsors_jobs_come_in_the_order_they_were_accepted() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &entries(0..100, 1, Priority::Normal)).await;
    let taken = [take(&queue, 64).await, take(&queue, 64).await].concat();
    assert_eq!(taken, (0..100).map(job).collect::<Vec<_>>());
    assert_eq!(take(&queue, 1).await, []);
}

#[tokio::test]
async fn a_job_that_is_queued_or_leased_is_not_placed_again() {
    let (_redis, queue) = fresh();
    let twice = [entry(1, 1, Priority::Normal), entry(1, 1, Priority::High)];
    assert_eq!(queue.enqueue(&POOL, &twice).await.unwrap(), 1);
    assert_eq!(take(&queue, 9).await, [job(1)]);
    assert_eq!(queue.enqueue(&POOL, &twice).await.unwrap(), 0);
    assert_eq!(take(&queue, 9).await, []);
}

#[tokio::test]
async fn the_same_lease_asks_again_and_gets_the_same_jobs() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &entries(0..10, 1, Priority::Normal)).await;
    let lease = LeaseId(Uuid::new_v4());
    let first = queue.take(&POOL, lease, 4).await.unwrap();
    assert_eq!(queue.take(&POOL, lease, 4).await.unwrap(), first);
    assert_eq!(take(&queue, 9).await.len(), 6);
}

#[tokio::test]
async fn a_high_priority_passes_what_waits_and_a_low_one_is_passed() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &entries(0..5, 1, Priority::Low)).await;
    enqueue(&queue, &entries(5..10, 1, Priority::Normal)).await;
    enqueue(&queue, &entries(10..15, 1, Priority::High)).await;
    let expected: Vec<_> = (10..15).chain(5..10).chain(0..5).map(job).collect();
    assert_eq!(take(&queue, 64).await, expected);
}

#[tokio::test]
async fn a_job_whose_lease_ran_out_goes_before_what_has_never_run() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &entries(0..5, 1, Priority::Normal)).await;
    let lease = LeaseId(Uuid::new_v4());
    assert_eq!(queue.take(&POOL, lease, 2).await.unwrap(), [job(0), job(1)]);
    enqueue(&queue, &entries(5..8, 2, Priority::High)).await;
    assert_eq!(queue.requeue(&POOL, job(1), Some(lease)).await.unwrap(), 1);
    assert_eq!(take(&queue, 1).await, [job(1)]);
}

#[tokio::test]
async fn a_job_that_somebody_else_leased_meanwhile_is_not_put_back() {
    let (_redis, queue) = fresh();
    enqueue(&queue, &entries(0..1, 1, Priority::Normal)).await;
    assert_eq!(take(&queue, 1).await, [job(0)]);
    let stale = LeaseId(Uuid::new_v4());
    assert_eq!(queue.requeue(&POOL, job(0), Some(stale)).await.unwrap(), 0);
    assert_eq!(take(&queue, 1).await, []);
}

#[tokio::test]
async fn a_delayed_job_comes_when_its_time_has_come_and_not_before() {
    let (_redis, queue) = fresh();
    let began = Instant::now();
    let delayed = Entry { delay_ms: 700, ..entry(1, 1, Priority::High) };
    enqueue(&queue, &[delayed, entry(2, 1, Priority::Normal)]).await;
    assert_eq!(queue.enqueue(&POOL, &[delayed]).await.unwrap(), 0, "it is known");
    assert_eq!(take(&queue, 9).await, [job(2)]);
    while take(&queue, 9).await != [job(1)] {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() >= Duration::from_millis(700), "it came too early");
}

#[tokio::test]
async fn a_dropped_job_is_gone_wherever_it_was() {
    let (_redis, queue) = fresh();
    let delayed = Entry { delay_ms: 1, ..entry(3, 1, Priority::Normal) };
    enqueue(&queue, &[entry(1, 1, Priority::Normal), entry(2, 1, Priority::Normal), delayed]).await;
    assert_eq!(take(&queue, 1).await, [job(1)]);
    queue.drop_jobs(&POOL, &[job(1), job(2), job(3)]).await.unwrap();
    sleep(Duration::from_millis(5)).await;
    assert_eq!(take(&queue, 9).await, []);
    assert_eq!(queue.enqueue(&POOL, &entries(1..4, 1, Priority::Normal)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_hundred_and_fifty_bytes_of_memory_hold_a_queued_job() {
    const JOBS: u128 = 20_000;
    let (redis, queue) = fresh();
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let used = async |connection: &mut redis::aio::MultiplexedConnection| -> u128 {
        let info: String = redis::cmd("INFO").arg("memory").query_async(connection).await.unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.unwrap().trim().parse().unwrap()
    };
    queue.ping().await.unwrap();
    let before = used(&mut connection).await;
    let many: Vec<Entry> = (0..JOBS)
        .map(|n| Entry {
            job: ciro_api::JobId(Uuid::now_v7()),
            ..entry(n, n % 50, Priority::Normal)
        })
        .collect();
    enqueue(&queue, &many).await;
    let each = (used(&mut connection).await - before) / JOBS;
    assert!(each <= 150, "{each} bytes a job");
}
