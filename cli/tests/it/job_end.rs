//! How a requester learns that its job changed, and how it ends one that nobody has begun.

use std::time::{Duration, Instant};

use ciro::demo::device::Device;
use ciro_api::{ErrorCode, JobId, JobStatus, rest::jobs::Job};
use futures::future::{join, join_all};
use reqwest::{RequestBuilder, StatusCode};

use crate::net::{HandWorker, Net, refused, succeed};

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
async fn a_job_that_runs_or_has_ended_is_not_canceled() {
    let (net, worker) = Net::with_hand_worker().await;
    let job = net.submit(b"begun").await;
    let leases = worker.lease(&net, 1, 10_000).await;
    assert_eq!(refused(cancel(&net, job.id)).await, ErrorCode::JobRunning);
    assert!(worker.submit(&net, vec![HandWorker::result(&leases[0])]).await.results[0].accepted);
    assert_eq!(refused(cancel(&net, job.id)).await, ErrorCode::JobAlreadyFinished);
    assert_eq!(net.gateway.job(&net.device, job.id).await.unwrap().status, JobStatus::Succeeded);
    net.stop().await;
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
