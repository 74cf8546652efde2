//! How a requester learns that its job changed, and how it ends one that nobody has begun.

use std::time::{Duration, Instant};

use ciro::{
    demo::device::Device,
    drain::DrainFlags,
    operator::{self, OperatorCommand},
};
use ciro_api::{
    Drain, ErrorCode, JobId, JobStatus,
    rest::{
        jobs::{Job, ReplayJob},
        leases::{
            FailReply, FailRequest, HeartbeatReply, HeartbeatRequest, Lease, LeaseState,
            ReleaseReply, ReleaseRequest, ReleaseResult,
        },
    },
};
use futures::future::{join, join_all};
use reqwest::{RequestBuilder, StatusCode};

use crate::{
    net::{HandWorker, Net, hash_job, refused, succeed},
    room::eventually,
};

fn get(net: &Net, id: JobId, query: &str) -> RequestBuilder {
    net.gateway.get(&format!("/v1/jobs/{id}{query}")).bearer_auth(&net.device.token)
}

fn cancel(net: &Net, id: JobId) -> RequestBuilder {
    net.gateway.post(&format!("/v1/jobs/{id}/cancel")).bearer_auth(&net.device.token)
}

async fn tag(request: RequestBuilder) -> (StatusCode, String, String) {
    let reply = request.send().await.unwrap();
    let tag = reply.headers()["etag"].to_str().unwrap().to_owned();
    (reply.status(), tag, reply.text().await.unwrap())
}

#[tokio::test]
async fn a_job_that_did_not_change_is_not_sent_again() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"tagged").await;
    let (status, queued, _) = tag(get(&net, job.id, "")).await;
    assert_eq!(status, StatusCode::OK);
    let (status, same, body) = tag(get(&net, job.id, "").header("if-none-match", &queued)).await;
    assert_eq!((status, &same, body.as_str()), (StatusCode::NOT_MODIFIED, &queued, ""));
    let list = format!("\"other\", W/{queued}");
    let (status, ..) = tag(get(&net, job.id, "").header("if-none-match", list)).await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
    let (status, ..) = tag(get(&net, job.id, "").header("if-none-match", "\"other\"")).await;
    assert_eq!(status, StatusCode::OK);

    // Nothing happens: the answer comes when the time is up, and not before.
    let began = Instant::now();
    let waiting = get(&net, job.id, "?wait_ms=700").header("if-none-match", &queued);
    assert_eq!(tag(waiting).await.0, StatusCode::NOT_MODIFIED);
    assert!(began.elapsed() >= Duration::from_millis(700));

    // Each change answers a poller that has what was before, also one that ends nothing.
    let waiting = get(&net, job.id, "?wait_ms=30000").header("if-none-match", &queued);
    let ((status, running, body), leases) = join(tag(waiting), worker.lease(&net, 1, 10_000)).await;
    assert_eq!((status, leases.len()), (StatusCode::OK, 1));
    assert_eq!(serde_json::from_str::<Job>(&body).unwrap().status, JobStatus::Running);
    let waiting = get(&net, job.id, "?wait_ms=30000").header("if-none-match", &running);
    let results = vec![HandWorker::result(&leases[0])];
    let ((status, done, body), _) = join(tag(waiting), worker.submit(&net, results)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_str::<Job>(&body).unwrap().status, JobStatus::Succeeded);
    assert!(done != running && running != queued);

    let stranger = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let theirs = net.gateway.get(&format!("/v1/jobs/{}", job.id)).bearer_auth(&stranger.token);
    assert_eq!(refused(theirs.header("if-none-match", "*")).await, ErrorCode::NotFound);
    net.stop().await;
}

#[tokio::test]
async fn a_queued_job_is_canceled_once_and_costs_nothing() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"not wanted").await;
    let stranger = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let path = format!("/v1/jobs/{}/cancel", job.id);
    let theirs = net.gateway.post(&path).bearer_auth(&stranger.token);
    assert_eq!(refused(theirs).await, ErrorCode::NotFound);
    let as_worker = net.gateway.post(&path).bearer_auth(&worker.token);
    assert_eq!(refused(as_worker).await, ErrorCode::Forbidden);
    assert_eq!(refused(net.gateway.post(&path)).await, ErrorCode::Unauthenticated);
    let nonsense = net.gateway.post("/v1/jobs/job_1/cancel").bearer_auth(&net.device.token);
    assert_eq!(refused(nonsense).await, ErrorCode::NotFound);

    let waiting = tag(get(&net, job.id, "?wait_ms=30000"));
    let cancels = join_all((0..8).map(|_| succeed::<Job>(cancel(&net, job.id))));
    let ((_, _, seen), canceled) = join(waiting, cancels).await;
    let seen: Job = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen.status, JobStatus::Canceled);
    assert!(canceled.iter().all(|job| *job == seen), "a repeated cancel answers otherwise");
    assert_eq!(seen.failure.unwrap().reason, "canceled");
    assert_eq!(net.held_fri().await, 0);
    assert!(worker.lease(&net, 1, 0).await.is_empty(), "a canceled job was leased");
    net.stop().await;
}

#[tokio::test]
async fn a_job_that_runs_is_asked_back_and_ends_when_it_is_given_back() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"begun").await;
    let lease = worker.lease(&net, 1, 10_000).await.pop().unwrap();
    assert_eq!(beat(&net, &worker, &lease).await.results[0].state, LeaseState::Ok);
    for _ in 0..2 {
        let reply = cancel(&net, job.id).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::ACCEPTED);
        let seen: Job = reply.json().await.unwrap();
        assert!(seen.cancel_requested && seen.status == JobStatus::Running, "{seen:?}");
    }
    assert_eq!(beat(&net, &worker, &lease).await.results[0].state, LeaseState::Cancel);
    let ask = ReleaseRequest { leases: vec![lease.fence] };
    for released in [true, false] {
        let reply: ReleaseReply = succeed(worker.post(&net, "/v1/leases/release").json(&ask)).await;
        assert_eq!(reply.results, [ReleaseResult { job: job.id, released }]);
    }
    let ended: Job = succeed(cancel(&net, job.id)).await;
    assert_eq!(ended.status, JobStatus::Canceled);
    assert_eq!(net.held_fri().await, 0, "a canceled job costs nothing");
    let late = worker.submit(&net, vec![HandWorker::result(&lease)]).await;
    let problem = late.results[0].problem.clone().unwrap();
    assert_eq!(problem.code, ErrorCode::JobAlreadyFinished);
    net.stop().await;
}

#[tokio::test]
async fn a_result_that_was_done_when_its_job_was_canceled_is_paid() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"done").await;
    let lease = worker.lease(&net, 1, 10_000).await.pop().unwrap();
    assert_eq!(cancel(&net, job.id).send().await.unwrap().status(), StatusCode::ACCEPTED);
    assert!(worker.submit(&net, vec![HandWorker::result(&lease)]).await.results[0].accepted);
    assert_eq!(refused(cancel(&net, job.id)).await, ErrorCode::JobAlreadyFinished);
    let seen = net.gateway.job(&net.device, job.id).await.unwrap();
    assert_eq!(seen.status, JobStatus::Succeeded);
    assert!(seen.settlement.is_some(), "nobody is paid for it");
    net.stop().await;
}

#[tokio::test]
async fn a_canceled_job_whose_worker_fails_or_dies_is_not_run_again() {
    let (net, worker) = Net::with_hand_worker().await;
    let (failing, dying) = (net.submit(b"fails").await, net.submit(b"dies").await);
    let leases = worker.lease(&net, 2, 10_000).await;
    for job in [&failing, &dying] {
        assert_eq!(cancel(&net, job.id).send().await.unwrap().status(), StatusCode::ACCEPTED);
    }
    let fence = leases.iter().find(|lease| lease.fence.job == failing.id).unwrap().fence;
    let report = FailRequest { fence, detail: "no memory".to_owned(), retryable: true };
    let reply: FailReply = succeed(worker.post(&net, "/v1/leases/fail").json(&report)).await;
    assert_eq!(reply.status, JobStatus::Canceled);
    // Its lease runs out.
    net.sql("UPDATE job_live SET lease_until = now() - interval '1 second' RETURNING 'done'").await;
    let redis = redis::Client::open(net.dev.network.redis_url.as_str()).unwrap();
    let mut connection = redis.get_multiplexed_async_connection().await.unwrap();
    let member = dying.id.0.as_bytes().to_vec();
    redis::cmd("ZADD")
        .arg("{ciro:cpu}:lease")
        .arg(1)
        .arg(member)
        .query_async::<i64>(&mut connection)
        .await
        .unwrap();
    let ended: Job = succeed(
        net.gateway
            .get(&format!("/v1/jobs/{}?wait_ms=20000", dying.id))
            .bearer_auth(&net.device.token),
    )
    .await;
    assert_eq!(ended.status, JobStatus::Canceled);
    assert_eq!(net.held_fri().await, 0);
    assert!(worker.lease(&net, 2, 0).await.is_empty(), "it was run again");
    net.stop().await;
}

#[tokio::test]
async fn a_released_job_goes_to_the_next_worker_without_blame() {
    let (net, worker) = Net::with_hand_worker().await;
    net.submit(b"too much").await;
    for epoch in 1..=5 {
        let lease = worker.lease(&net, 1, 10_000).await.pop().unwrap();
        assert_eq!(lease.fence.epoch, epoch);
        let ask = ReleaseRequest { leases: vec![lease.fence] };
        let reply: ReleaseReply = succeed(worker.post(&net, "/v1/leases/release").json(&ask)).await;
        assert!(reply.results[0].released);
        let late = worker.submit(&net, vec![HandWorker::result(&lease)]).await;
        assert_eq!(late.results[0].problem.clone().unwrap().code, ErrorCode::LeaseLost);
    }
    net.stop().await;
}

#[tokio::test]
async fn a_worker_that_drains_keeps_what_it_has_and_is_given_nothing_more() {
    let (net, worker) = Net::with_hand_worker().await;
    net.submit(b"before").await;
    let lease = worker.lease(&net, 1, 10_000).await.pop().unwrap();
    net.submit(b"after").await;
    let order = async |mode: Drain| {
        let url = &net.dev.network.database_url;
        let database_url = url.clone();
        let flags = DrainFlags { database_url, worker: worker.address, mode };
        let command = OperatorCommand::Drain(flags);
        operator::run(command, &mut Vec::new()).await.unwrap();
        let told = async || beat(&net, &worker, &lease).await.drain;
        let deadline = Instant::now() + Duration::from_secs(10);
        while told().await != mode {
            assert!(Instant::now() < deadline, "it is never told {mode}");
        }
    };
    order(Drain::Quiet).await;
    assert!(worker.lease(&net, 1, 0).await.is_empty());
    order(Drain::None).await;
    assert_eq!(worker.lease(&net, 1, 10_000).await.len(), 1);
    order(Drain::Terminate).await;
    assert!(worker.submit(&net, vec![HandWorker::result(&lease)]).await.results[0].accepted);
    net.stop().await;
}

#[tokio::test]
async fn a_dismissed_worker_ends_and_leaves_nothing_behind() {
    let mut net = Net::start().await;
    let done: Job = succeed(net.post_job(&hash_job(b"last")).header("prefer", "wait=20")).await;
    assert_eq!(done.status, JobStatus::Succeeded);
    let url = net.dev.network.database_url.clone();
    let mut told = Vec::new();
    let command = OperatorCommand::Drain(DrainFlags {
        database_url: url,
        worker: net.dev.network.worker,
        mode: Drain::Terminate,
    });
    operator::run(command, &mut told).await.unwrap();
    assert!(String::from_utf8(told).unwrap().contains("terminate"));
    eventually("the worker ends", || {
        net.dev.services.worker.exit_status().unwrap().is_some_and(|status| status.success())
    });
    let waiting = net.submit(b"nobody").await;
    assert_eq!(net.gateway.job(&net.device, waiting.id).await.unwrap().status, JobStatus::Queued);
    net.stop().await;
}

async fn beat(net: &Net, worker: &HandWorker, lease: &Lease) -> HeartbeatReply {
    let ask = HeartbeatRequest { leases: vec![lease.fence] };
    succeed(worker.post(net, "/v1/leases/heartbeat").json(&ask)).await
}

#[tokio::test]
async fn a_cancel_and_a_lease_of_one_job_never_both_win() {
    let (net, worker) = Net::with_hand_worker().await;
    let jobs = join_all((0..24_u8).map(|number| {
        let net = &net;
        async move { net.submit(&[number]).await }
    }))
    .await;
    let price = net.held_fri().await / 24;
    let leasing = async {
        let mut leases = Vec::new();
        for _ in 0..4 {
            leases.extend(worker.lease(&net, 3, 0).await);
        }
        leases
    };
    let canceling = join_all(jobs.iter().rev().map(|job| cancel(&net, job.id).send()));
    let (leases, cancels) = join(leasing, canceling).await;
    let canceled = cancels.iter().filter(|reply| reply.as_ref().unwrap().status() == 200).count();
    assert_eq!(leases.len() + canceled, jobs.len(), "a job was won twice, or by nobody");
    assert_eq!(net.held_fri().await, price * u128::try_from(leases.len()).unwrap());
    let results = leases.iter().map(HandWorker::result).collect::<Vec<_>>();
    if !results.is_empty() {
        let reply = worker.submit(&net, results).await;
        assert!(reply.results.iter().all(|result| result.accepted), "a winning lease was refused");
    }
    net.stop().await;
}

#[tokio::test]
async fn a_dead_job_is_run_again_as_a_new_one_that_is_paid_for() {
    let (net, worker) = Net::with_hand_worker().await;
    let dead = net.submit(b"once more").await;
    let replay = |key: &str| {
        let path = format!("/v1/jobs/{}/replay", dead.id);
        let request = net.gateway.post(&path).bearer_auth(&net.device.token);
        request.header("idempotency-key", key).json(&ReplayJob::default())
    };
    assert_eq!(refused(replay("early")).await, ErrorCode::NotReplayable);
    let lease = worker.lease(&net, 1, 10_000).await.pop().unwrap();
    let report =
        FailRequest { fence: lease.fence, detail: "bad luck".to_owned(), retryable: false };
    let _failed: FailReply = succeed(worker.post(&net, "/v1/leases/fail").json(&report)).await;
    assert_eq!(net.held_fri().await, 0);

    let again: Job = succeed(replay("again")).await;
    assert_ne!(again.id, dead.id);
    assert_eq!(again.replay_of, Some(dead.id));
    let twice: Job = succeed(replay("again")).await;
    assert_eq!(twice, net.gateway.job(&net.device, again.id).await.unwrap());
    assert_eq!(net.jobs().await, 2, "a repeated key made another job");
    assert!(net.held_fri().await > 0);
    let lease = worker.lease(&net, 1, 10_000).await.pop().unwrap();
    assert_eq!((lease.fence.job, lease.input.0.as_slice()), (again.id, &b"once more"[..]));
    assert!(worker.submit(&net, vec![HandWorker::result(&lease)]).await.results[0].accepted);
    let path = format!("/v1/jobs/{}/replay", again.id);
    let done = net.gateway.post(&path).bearer_auth(&net.device.token).json(&ReplayJob::default());
    assert_eq!(refused(done).await, ErrorCode::NotReplayable);
    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let foreign = net.gateway.post(&path).bearer_auth(&other.token).json(&ReplayJob::default());
    assert_eq!(refused(foreign).await, ErrorCode::NotFound);
    net.stop().await;
}
