//! A job's life over gRPC alone, beside what REST says of it.

use ciro_api::{
    grpc::v1::{self, JobStatus, LeaseState},
    rest::{
        jobs::Job,
        workers::{Challenge, SessionRequest},
    },
};
use tonic::{Code, Streaming};

use crate::{
    grpc::{Grpc, hash_job, lease_request, reason, refusal, results_of, with},
    net::{self, HandWorker, Net, refused, succeed},
};

/// A worker's token, got over gRPC.
async fn log_in(grpc: &Grpc, worker: &HandWorker) -> String {
    let request = v1::ChallengeRequest { worker: worker.address.to_string() };
    let reply = grpc.workers().challenge(request).await.unwrap().into_inner();
    let challenge = Challenge {
        challenge: reply.challenge.parse().unwrap(),
        chain_id: reply.chain_id.parse().unwrap(),
        contract: reply.contract.parse().unwrap(),
        expires_in_s: reply.expires_in_s,
    };
    let SessionRequest { worker, challenge, signature } = worker.answer(&challenge, &worker.key);
    let answer = v1::OpenSessionRequest {
        worker: worker.to_string(),
        challenge: challenge.to_string(),
        signature: Some(signature.into()),
    };
    let session = grpc.workers().open_session(answer.clone()).await.unwrap().into_inner();
    let replayed = grpc.workers().open_session(answer).await.unwrap_err();
    assert_eq!(refusal(&replayed).0, Code::Unauthenticated);
    assert_eq!(reason(&replayed), "challenge_unknown");
    session.access_token
}

async fn told(watch: &mut Streaming<v1::Job>) -> Option<JobStatus> {
    watch.message().await.unwrap().map(|job| job.status())
}

#[tokio::test]
async fn a_job_lives_its_whole_life_over_grpc_and_rest_sees_the_same() {
    let (net, worker) = Net::with_hand_worker().await;
    let grpc = Grpc::connect(&net.dev.network.gateway_url).await;
    let token = log_in(&grpc, &worker).await;
    let device = net.device.token.as_str();

    let keyed = |bytes: &[u8]| {
        let message = hash_job(bytes);
        with(device, v1::CreateJobRequest { idempotency_key: "boot-1".to_owned(), ..message })
    };
    let first = grpc.jobs().create(keyed(b"once")).await.unwrap();
    assert!(first.metadata().get("request-id").unwrap().to_str().unwrap().starts_with("req_"));
    let first = first.into_inner();
    let again = grpc.jobs().create(keyed(b"once")).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    let id = first.job.unwrap().id;
    assert_eq!(again.job.unwrap().id, id);
    let other = grpc.jobs().create(keyed(b"something else")).await.unwrap_err();
    assert_eq!(
        (other.code(), reason(&other).as_str()),
        (Code::AlreadyExists, "idempotency_key_reused")
    );
    // The key means the same to REST.
    let rest = net.post_job(&net::hash_job(b"once")).header("idempotency-key", "boot-1");
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.headers()["idempotency-replayed"], "true");
    assert_eq!(net.jobs().await, 1);

    let watched = v1::WatchJobRequest { id: id.clone() };
    let mut watch = grpc.jobs().watch(with(device, watched)).await.unwrap().into_inner();
    assert_eq!(told(&mut watch).await, Some(JobStatus::Queued));
    let asked = lease_request(&net, 4, 10_000).await;
    let leases = grpc.workers().lease(with(&token, asked.clone())).await.unwrap().into_inner();
    let repeated = grpc.workers().lease(with(&token, asked)).await.unwrap().into_inner();
    assert_eq!((leases.leases.len(), &leases), (1, &repeated));
    assert_eq!(told(&mut watch).await, Some(JobStatus::Running));
    let fence = leases.leases[0].fence.clone().unwrap();
    let mut stale = fence.clone();
    stale.epoch += 1;
    let beat = v1::HeartbeatRequest { leases: vec![fence, stale] };
    let beat = grpc.workers().heartbeat(with(&token, beat)).await.unwrap().into_inner();
    let states: Vec<LeaseState> = beat.results.iter().map(v1::HeartbeatResult::state).collect();
    assert_eq!(states, [LeaseState::Ok, LeaseState::Lost]);
    for _ in 0..2 {
        let results = with(&token, results_of(&worker, &leases.leases));
        let reply = grpc.workers().submit_results(results).await.unwrap().into_inner();
        assert!(reply.results[0].accepted, "{:?}", reply.results[0].problem);
    }
    assert_eq!(told(&mut watch).await, Some(JobStatus::Succeeded));
    assert_eq!(told(&mut watch).await, None);

    let path = format!("/v1/jobs/{id}");
    let shown: Job = succeed(net.gateway.get(&path).bearer_auth(device)).await;
    let got = grpc.get(device, &id, 10_000).await;
    assert!(got.evidence.is_some() && got.output.is_some() && got.settlement.is_some());
    assert_eq!(got, v1::Job::from(shown));
    let cancel = v1::CancelJobRequest { id: id.clone() };
    let late = grpc.jobs().cancel(with(device, cancel)).await.unwrap_err();
    assert_eq!(
        (late.code(), reason(&late).as_str()),
        (Code::FailedPrecondition, "job_already_finished")
    );
    let late = net.gateway.post(&format!("{path}/cancel")).bearer_auth(device);
    assert_eq!(refused(late).await.as_str(), "job_already_finished");

    // Two that end otherwise, and a list of all.
    let failing = grpc.create(device, b"cannot").await;
    let asked = lease_request(&net, 1, 10_000).await;
    let leases = grpc.workers().lease(with(&token, asked)).await.unwrap().into_inner().leases;
    let failure = v1::FailRequest {
        fence: leases[0].fence.clone(),
        detail: "out of memory".to_owned(),
        retryable: false,
    };
    let reply = grpc.workers().fail(with(&token, failure)).await.unwrap().into_inner();
    assert_eq!(reply.status(), JobStatus::Failed);
    assert_eq!(grpc.get(device, &failing.id, 0).await.failure.unwrap().detail, "out of memory");
    let canceled = grpc.create(device, b"not wanted any more").await;
    let cancel = v1::CancelJobRequest { id: canceled.id.clone() };
    let canceled = grpc.jobs().cancel(with(device, cancel)).await.unwrap().into_inner();
    assert_eq!(canceled.status(), JobStatus::Canceled);
    let mut list = v1::ListJobsRequest { limit: 2, ..Default::default() };
    let page = grpc.jobs().list(with(device, list.clone())).await.unwrap().into_inner();
    let ids: Vec<&str> = page.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, [&canceled.id, &failing.id]);
    list.after = page.next_after;
    let page = grpc.jobs().list(with(device, list.clone())).await.unwrap().into_inner();
    assert_eq!(
        (page.jobs.len(), page.jobs[0].id.as_str(), page.next_after.as_str()),
        (1, id.as_str(), "")
    );
    list = v1::ListJobsRequest { status: JobStatus::Failed.into(), ..Default::default() };
    let page = grpc.jobs().list(with(device, list)).await.unwrap().into_inner();
    assert_eq!((page.jobs.len(), page.jobs[0].reason.as_str()), (1, "model_error"));
    net.stop().await;
}
