//! Which job a worker is given next, through the whole network.

use ciro::sponsor::{self, CapFlags, SponsorCommand};
use ciro_api::{
    JobId, Priority, limits,
    rest::jobs::{CreateJob, Job},
};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use crate::net::{HandWorker, Net, hash_job, refusal, succeed};

const PATIENCE: Duration = Duration::from_secs(20);

async fn submit(net: &Net, bytes: &[u8], change: impl FnOnce(&mut CreateJob)) -> JobId {
    let mut job = hash_job(bytes);
    change(&mut job);
    succeed::<Job>(net.post_job(&job)).await.id
}

async fn next(net: &Net, worker: &HandWorker) -> JobId {
    let leases = worker.lease(net, 1, 10_000).await;
    leases.first().expect("a job in time").fence.job
}

/// How many jobs the index can give out.
async fn ready(net: &Net) -> u64 {
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("ZCARD").arg("{ciro:cpu}:ready").query_async(&mut connection).await.unwrap()
}

async fn until_ready(net: &Net, jobs: u64) {
    let began = Instant::now();
    while ready(net).await < jobs {
        assert!(began.elapsed() < PATIENCE, "the index never held {jobs} jobs");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_delayed_job_waits_for_its_time_and_then_for_nothing() {
    let (net, worker) = Net::with_hand_worker().await;
    let began = Instant::now();
    let later = submit(&net, b"later", |job| job.delay_ms = Some(2_500)).await;
    let now = submit(&net, b"now", |_| {}).await;
    assert_eq!(next(&net, &worker).await, now);
    assert_eq!(next(&net, &worker).await, later);
    assert!(began.elapsed() >= Duration::from_millis(2_500), "it was leased too early");
    net.stop().await;
}

#[tokio::test]
async fn priorities_and_delays_are_as_before_after_redis_has_forgotten_everything() {
    let (net, worker) = Net::with_hand_worker().await;
    let low = submit(&net, b"low", |job| job.priority = Some(Priority::Low)).await;
    let normal = submit(&net, b"normal", |_| {}).await;
    let high = submit(&net, b"high", |job| job.priority = Some(Priority::High)).await;
    let day_ms = 86_400_000;
    submit(&net, b"tomorrow", |job| job.delay_ms = Some(day_ms)).await;
    until_ready(&net, 3).await;
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").query_async::<String>(&mut connection).await.unwrap();
    until_ready(&net, 3).await;
    let order = [next(&net, &worker).await, next(&net, &worker).await, next(&net, &worker).await];
    assert_eq!(order, [high, normal, low]);
    assert_eq!(worker.lease(&net, 1, 100).await.len(), 0, "tomorrow's job came today");
    net.stop().await;
}

#[tokio::test]
async fn a_delay_over_a_week_and_an_unknown_priority_are_refused_by_name() {
    let net = Net::start().await;
    let mut job = hash_job(b"x");
    job.delay_ms = Some(limits::DELAY_MS_MAX + 1);
    assert_eq!(refusal(net.post_job(&job)).await.errors[0].pointer, "/delay_ms");
    let urgent = json!({"model": "ciro/sha256@1", "input": {"text": "x"}, "priority": "urgent"});
    let post = net.gateway.post("/v1/jobs").bearer_auth(&net.device.token).json(&urgent);
    assert_eq!(refusal(post).await.errors[0].pointer, "/priority");
    assert_eq!(net.jobs().await, 0);
    net.stop().await;
}

#[tokio::test]
async fn a_sponsor_with_a_cap_has_no_more_jobs_running_than_that() {
    let (net, worker) = Net::with_hand_worker().await;
    let cap = async |running_max: Option<u16>| {
        let flags = CapFlags {
            database_url: net.dev.network.database_url.clone(),
            sponsor: net.dev.network.sponsor.id,
            running_max: running_max.map(|cap| cap.try_into().unwrap()),
        };
        sponsor::run(SponsorCommand::Cap(flags), &mut Vec::new()).await.unwrap();
    };
    cap(Some(2)).await;
    let redis = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
    let mut known = async || -> i64 {
        redis::cmd("HLEN").arg("{ciro:cpu}:caps").query_async(&mut connection).await.unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while known().await != 1 {
        assert!(Instant::now() < deadline, "no walk told the index");
        sleep(Duration::from_millis(50)).await;
    }
    for number in 0..5_u8 {
        net.submit(&[number]).await;
    }
    let leases = worker.lease(&net, 9, 10_000).await;
    assert_eq!(leases.len(), 2);
    assert!(worker.lease(&net, 9, 0).await.is_empty());
    worker.submit(&net, vec![HandWorker::result(&leases[0])]).await;
    assert_eq!(worker.lease(&net, 9, 10_000).await.len(), 1);
    cap(None).await;
    assert_eq!(worker.lease(&net, 9, 20_000).await.len(), 2);
    net.stop().await;
}
