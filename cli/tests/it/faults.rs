//! What survives when parts die: accepted jobs are finished, paid once, and settled when the chain is back.

use std::time::Duration;

use ciro_api::{
    CostStep, JobStatus, Priority, SettlementStatus, limits,
    rest::{
        health::Health,
        jobs::Job,
        leases::{HeartbeatReply, HeartbeatRequest, LeaseState},
    },
};
use ciro_contracts::{Chain, Pool};
use ciro_gateway::queue::{Entry, Queue};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::net::{HandWorker, Net, succeed};

const PATIENCE: Duration = Duration::from_mins(1);

async fn until_succeeded(net: &Net, job: &Job) -> Job {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = net.gateway.job(&net.device, job.id).await.unwrap();
        match seen.status {
            JobStatus::Succeeded => return seen,
            JobStatus::Queued | JobStatus::Running => {}
            other => panic!("job {} is {other}: {:?}", job.id, seen.failure),
        }
        assert!(Instant::now() < deadline, "job {} is still {}", job.id, seen.status);
        sleep(Duration::from_millis(50)).await;
    }
}

async fn until_settled(net: &Net, job: &Job) -> Job {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = net.gateway.job(&net.device, job.id).await.unwrap();
        let settlement = seen.settlement.clone().unwrap();
        if settlement.status == SettlementStatus::Settled {
            return seen;
        }
        assert!(Instant::now() < deadline, "job {} is still {:?}", job.id, settlement);
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn jobs_succeed_while_the_chain_is_away_and_settle_when_it_is_back() {
    let mut net = Net::start().await;
    let chain = Chain::connect(net.dev.network.rpc_url.parse().unwrap(), Duration::from_secs(20))
        .await
        .unwrap();
    let pool = Pool { address: net.dev.network.contracts.pool };
    let sponsor = net.dev.network.sponsor.address;
    let before = pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap();

    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGSTOP).unwrap();
    let mut jobs = Vec::new();
    for round in 0..5_u8 {
        jobs.push(net.submit(&[round]).await);
    }
    for job in &jobs {
        let done = until_succeeded(&net, job).await;
        assert_ne!(done.settlement.unwrap().status, SettlementStatus::Settled);
    }
    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGCONT).unwrap();
    let mut owed = 0;
    for job in &jobs {
        owed += until_settled(&net, job).await.settlement.unwrap().amount_fri.0;
    }
    let after = pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap();
    assert_eq!(before.0 - after.0, owed, "the chain paid something else than the jobs cost");
    assert_eq!(net.held_fri().await, 0);
    net.stop().await;
}

#[tokio::test]
async fn a_flushed_redis_loses_no_job() {
    let (net, worker) = Net::with_hand_worker().await;
    let mut jobs = Vec::new();
    for round in 0..10_u8 {
        jobs.push(net.submit(&[round]).await);
    }
    let held = worker.lease(&net, 3, 10_000).await;
    assert_eq!(held.len(), 3);
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").query_async::<String>(&mut connection).await.unwrap();
    redis::cmd("FUNCTION").arg("FLUSH").query_async::<String>(&mut connection).await.unwrap();

    // Those that were leased stay leased; the others come back.
    let mut results: Vec<_> = held.iter().map(HandWorker::result).collect();
    while results.len() < jobs.len() {
        let more = worker.lease(&net, 10, 10_000).await;
        assert!(
            !more.is_empty(),
            "{} of {} jobs never came back",
            jobs.len() - results.len(),
            jobs.len()
        );
        assert!(more.iter().all(|lease| lease.fence.epoch == 1), "a leased job was leased again");
        results.extend(more.iter().map(HandWorker::result));
    }
    let reply = worker.submit(&net, results).await;
    assert!(reply.results.iter().all(|outcome| outcome.accepted), "{:?}", reply.results);
    net.stop().await;
}

#[tokio::test]
async fn a_poll_that_pops_only_leftovers_goes_on_to_what_is_left_to_do() {
    let (net, worker) = Net::with_hand_worker().await;
    let pool = "cpu".parse().unwrap();
    let mut over = Vec::new();
    for round in 0..3_u8 {
        over.push(net.submit(&[round]).await.id);
    }
    let leases = worker.lease(&net, 3, 10_000).await;
    worker.submit(&net, leases.iter().map(HandWorker::result).collect()).await;
    let queue = Queue::new(&net.dev.network.redis_url).unwrap();
    let held: Vec<_> = leases.iter().map(|lease| (lease.fence.job, lease.fence.lease)).collect();
    let deadline = Instant::now() + PATIENCE;
    while queue.extend(&pool, &held).await.unwrap().contains(&true) {
        assert!(Instant::now() < deadline, "the index does not forget what is over");
        sleep(Duration::from_millis(20)).await;
    }
    // As an older copy of Redis would have them. The oldest are popped first.
    let sponsor = net.dev.network.sponsor.id;
    let (priority, cost) = (Priority::Normal, CostStep::of_run(1));
    let place = |job| Entry { job, sponsor, priority, cost, delay_ms: 0 };
    let over: Vec<Entry> = over.into_iter().map(place).collect();
    assert_eq!(queue.enqueue(&pool, &over).await.unwrap(), 3);
    let job = net.submit(b"real").await;
    let leases = worker.lease(&net, 1, 5_000).await;
    assert_eq!(leases.first().map(|lease| lease.fence.job), Some(job.id), "the poll got stuck");
    net.stop().await;
}

#[tokio::test]
async fn the_job_of_a_worker_that_vanished_is_run_by_another() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"left behind").await;
    let lost = worker.lease(&net, 1, 10_000).await;
    // No heartbeat, no result: to the gateway, this worker is dead.
    let deadline =
        Instant::now() + Duration::from_millis(limits::LEASE_TTL_MS) + Duration::from_secs(20);
    let taken_over = loop {
        let leases = worker.lease(&net, 1, 5_000).await;
        if let Some(lease) = leases.into_iter().next() {
            break lease;
        }
        assert!(Instant::now() < deadline, "the job never came back");
    };
    assert_eq!((taken_over.fence.job, taken_over.fence.epoch), (job.id, 2));
    let stale = worker.submit(&net, vec![HandWorker::result(&lost[0])]).await;
    assert!(!stale.results[0].accepted);
    let reply = worker.submit(&net, vec![HandWorker::result(&taken_over)]).await;
    assert!(reply.results[0].accepted, "{:?}", reply.results);
    assert_eq!(net.sql("SELECT count(*)::text FROM receipt").await, "1");
    net.stop().await;
}

#[tokio::test]
async fn a_network_killed_at_work_goes_on_where_it_was() {
    let mut net = Net::start().await;
    let earlier = net.submit(b"before").await;
    until_succeeded(&net, &earlier).await;
    until_settled(&net, &earlier).await;
    net.dev.services.worker.signal(Signal::SIGKILL).unwrap();
    let waiting = net.submit(b"across the crash").await;
    for service in [&mut net.dev.services.gateway, &mut net.dev.services.paymaster] {
        service.signal(Signal::SIGKILL).unwrap();
    }
    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGKILL).unwrap();
    net.dev.stack.redis_mut().service_mut().signal(Signal::SIGKILL).unwrap();
    net.dev.stack.postgres_mut().service_mut().signal(Signal::SIGQUIT).unwrap();
    let (device, id) = (net.device, net.dev.network.contracts.pool);
    let room = net.room;
    // What is dead already cannot be stopped in order; the lock must be free again afterwards.
    drop(net.dev);

    let mut net = Net::start_in(room).await;
    assert_eq!(net.dev.network.contracts.pool, id, "another chain");
    net.device = device;
    let done = until_succeeded(&net, &waiting).await;
    until_settled(&net, &done).await;
    let old = net.gateway.job(&net.device, earlier.id).await.unwrap();
    assert_eq!(old.settlement.unwrap().status, SettlementStatus::Settled);
    assert_eq!(net.held_fri().await, 0);
    net.stop().await;
}

#[tokio::test]
async fn killed_workers_lose_no_job_and_no_fri() {
    let mut net = Net::start().await;
    let mut jobs = Vec::new();
    for round in 0..4_u8 {
        for job in 0..15_u8 {
            jobs.push(net.submit(&[round, job]).await);
        }
        // Somewhere between leasing, running, signing and submitting.
        net.dev.services.worker.signal(Signal::SIGKILL).unwrap();
        net.dev.services.start_worker().await.unwrap();
    }
    let mut owed = 0;
    for job in &jobs {
        until_succeeded(&net, job).await;
        owed += until_settled(&net, job).await.settlement.unwrap().amount_fri.0;
    }
    let receipts = net.sql("SELECT count(*)::text FROM receipt").await;
    assert_eq!(receipts, jobs.len().to_string(), "a job was paid twice or never");
    let spent = net.sql("SELECT sum(spent_fri)::text FROM sponsor").await;
    assert_eq!(spent, owed.to_string());
    assert_eq!(net.held_fri().await, 0);
    net.stop().await;
}

#[tokio::test]
async fn results_are_taken_at_once_while_redis_answers_nobody() {
    let (mut net, worker) = Net::with_hand_worker().await;
    for round in 0..4_u8 {
        net.submit(&[round]).await;
    }
    let leases = worker.lease(&net, 4, 10_000).await;
    net.dev.stack.redis_mut().service_mut().signal(Signal::SIGSTOP).unwrap();
    let sent = Instant::now();
    let reply = worker.submit(&net, leases.iter().map(HandWorker::result).collect()).await;
    let took = sent.elapsed();
    assert!(reply.results.iter().all(|outcome| outcome.accepted), "{:?}", reply.results);
    assert!(took < Duration::from_secs(4), "the reply waited {took:?} for Redis");
    net.dev.stack.redis_mut().service_mut().signal(Signal::SIGCONT).unwrap();
    net.stop().await;
}

#[tokio::test]
async fn a_wiped_redis_gives_a_vanished_worker_no_more_time() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"left behind").await;
    let lost = worker.lease(&net, 1, 10_000).await;
    assert_eq!(lost.len(), 1);
    let granted = Instant::now();
    // Late in the life of the lease: a whole new one from here would end long after the assertion below.
    sleep(Duration::from_millis(limits::LEASE_TTL_MS * 2 / 3)).await;
    let client = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").query_async::<String>(&mut connection).await.unwrap();
    let patience = Duration::from_millis(limits::LEASE_TTL_MS) + Duration::from_secs(10);
    let taken_over = loop {
        if let Some(lease) = worker.lease(&net, 1, 1_000).await.into_iter().next() {
            break lease;
        }
        assert!(granted.elapsed() < patience, "the lease outlived its time");
    };
    assert_eq!((taken_over.fence.job, taken_over.fence.epoch), (job.id, 2));
    net.stop().await;
}

#[tokio::test]
async fn jobs_are_accepted_leased_expired_and_finished_while_redis_is_away() {
    let (mut net, worker) = Net::with_hand_worker().await;
    net.dev.stack.redis_mut().service_mut().signal(Signal::SIGSTOP).unwrap();
    let job = net.submit(b"nobody knows yet").await;
    let request = uuid::Uuid::new_v4();
    let lost = worker.lease_as(&net, 1, 30_000, request).await.pop().unwrap();
    assert_eq!(lost.fence.job, job.id);
    let other = net.submit(b"not for a repeated request").await;
    assert_eq!(worker.lease_as(&net, 1, 30_000, request).await, std::slice::from_ref(&lost));
    let cancel = net.gateway.post(&format!("/v1/jobs/{}/cancel", other.id));
    let canceled: Job = succeed(cancel.bearer_auth(&net.device.token)).await;
    assert_eq!(canceled.status, JobStatus::Canceled);
    let health: Health = succeed(net.gateway.get("/v1/health")).await;
    assert_eq!(health.status, "degraded");
    let beat = HeartbeatRequest { leases: vec![lost.fence] };
    let beaten: HeartbeatReply =
        succeed(worker.post(&net, "/v1/leases/heartbeat").json(&beat)).await;
    assert_eq!(beaten.results[0].state, LeaseState::Ok);

    net.sql("UPDATE job_live SET lease_until = now() - interval '1 second' RETURNING 'over'").await;
    let found = worker.lease(&net, 1, 30_000).await.pop().unwrap();
    assert_eq!((found.fence.job, found.fence.epoch), (job.id, 2));
    let stale = worker.submit(&net, vec![HandWorker::result(&lost)]).await;
    assert!(!stale.results[0].accepted);
    let reply = worker.submit(&net, vec![HandWorker::result(&found)]).await;
    assert!(reply.results[0].accepted, "{:?}", reply.results);

    // What Redis hears late it hears of jobs that are over.
    net.dev.stack.redis_mut().service_mut().signal(Signal::SIGCONT).unwrap();
    let later = net.submit(b"as before").await;
    let lease = worker.lease(&net, 9, 30_000).await.pop().unwrap();
    assert_eq!((lease.fence.job, lease.fence.epoch), (later.id, 1));
    assert_eq!(net.sql("SELECT count(*)::text FROM receipt").await, "1");
    net.stop().await;
}
