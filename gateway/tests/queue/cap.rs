//! Caps: how many jobs of one sponsor are within reach of the workers at once.

use ciro_api::{LeaseId, Priority, SponsorId};
use ciro_gateway::queue::{Entry, Known, Queue};
use uuid::Uuid;

use crate::{POOL, enqueue, entry, fresh, job, take};

fn sponsor(number: u128) -> SponsorId {
    SponsorId(Uuid::from_u128(number))
}

fn entries(numbers: std::ops::Range<u128>, of: u128, priority: Priority) -> Vec<Entry> {
    numbers.map(|number| entry(number, of, priority)).collect()
}

async fn capped(cap: u32) -> (ciro_testbed::Redis, Queue) {
    let (redis, queue) = fresh();
    queue.set_caps(&POOL, &[(sponsor(1), cap)]).await.unwrap();
    (redis, queue)
}

#[tokio::test]
async fn a_sponsor_at_its_cap_waits_for_its_own_jobs_and_holds_up_nobody_else() {
    let (_redis, queue) = capped(3).await;
    enqueue(&queue, &entries(0..10, 1, Priority::Normal)).await;
    enqueue(&queue, &entries(10..15, 2, Priority::Normal)).await;
    let taken = take(&queue, 64).await;
    let own = taken.iter().filter(|taken| taken.0.as_u128() < 10).count();
    assert_eq!((own, taken.len()), (3, 8));
    assert_eq!(take(&queue, 64).await, []);
    queue.drop_jobs(&POOL, &[job(1)]).await.unwrap();
    assert_eq!(take(&queue, 64).await, [job(3)]);
    queue.drop_jobs(&POOL, &[job(0), job(2), job(3)]).await.unwrap();
    assert_eq!(take(&queue, 64).await, [job(4), job(5), job(6)]);
}

#[tokio::test]
async fn what_waits_for_its_cap_keeps_its_order_and_its_priority() {
    let (_redis, queue) = capped(1).await;
    enqueue(&queue, &entries(0..2, 1, Priority::Normal)).await;
    enqueue(&queue, &entries(2..3, 1, Priority::Low)).await;
    enqueue(&queue, &entries(3..5, 1, Priority::High)).await;
    let mut order = Vec::new();
    while let [next] = take(&queue, 64).await[..] {
        order.push(next);
        queue.drop_jobs(&POOL, &[next]).await.unwrap();
    }
    assert_eq!(order, [0, 3, 4, 1, 2].map(job));
}

#[tokio::test]
async fn a_job_that_goes_back_to_the_queue_keeps_its_room() {
    let (_redis, queue) = capped(1).await;
    enqueue(&queue, &entries(0..2, 1, Priority::Normal)).await;
    let lease = LeaseId(Uuid::new_v4());
    assert_eq!(queue.take(&POOL, lease, 9).await.unwrap(), [job(0)]);
    queue.requeue(&POOL, job(0), Some(lease)).await.unwrap();
    assert_eq!(take(&queue, 9).await, [job(0)]);
    assert_eq!(take(&queue, 9).await, []);
}

#[tokio::test]
async fn a_raised_or_lifted_cap_lets_the_next_in_and_a_parked_job_is_not_placed_twice() {
    let (_redis, queue) = capped(1).await;
    let all = entries(0..9, 1, Priority::Normal);
    enqueue(&queue, &all).await;
    assert_eq!(queue.enqueue(&POOL, &all).await.unwrap(), 0);
    queue.set_caps(&POOL, &[(sponsor(1), 3)]).await.unwrap();
    assert_eq!(take(&queue, 64).await.len(), 3);
    queue.set_caps(&POOL, &[]).await.unwrap();
    assert_eq!(take(&queue, 64).await.len(), 6);
    assert_eq!(take(&queue, 64).await, []);
}

#[tokio::test]
async fn leases_that_a_wiped_index_learns_of_again_count() {
    let (_redis, queue) = capped(2).await;
    let lease = LeaseId(Uuid::new_v4());
    let known = Known { job: job(0), lease, sponsor: sponsor(1), left_ms: 60_000 };
    queue.adopt(&POOL, &[known]).await.unwrap();
    enqueue(&queue, &entries(1..5, 1, Priority::Normal)).await;
    assert_eq!(take(&queue, 64).await, [job(1)]);
    queue.drop_jobs(&POOL, &[job(0)]).await.unwrap();
    assert_eq!(take(&queue, 64).await, [job(2)]);
}
