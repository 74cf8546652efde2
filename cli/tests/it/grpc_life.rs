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

/// Creates the same job again and again under one key, by both ways in; it is one.
async fn create_once(net: &Net, grpc: &Grpc) -> String {
    let keyed = |bytes: &[u8]| {
        let idempotency_key = "boot-1".to_owned();
        let message = v1::CreateJobRequest { idempotency_key, ..hash_job(bytes) };
        with(&net.device.token, message)
    };
    let first = grpc.jobs().create(keyed(b"once")).await.unwrap();
    let request_id = first.metadata().get("request-id").unwrap().to_str().unwrap();
    assert!(request_id.starts_with("req_"), "{request_id}");
    let first = first.into_inner();
    let again = grpc.jobs().create(keyed(b"once")).await.unwrap().into_inner();
    assert!(!first.replayed && again.replayed);
    let id = first.job.unwrap().id;
    assert_eq!(again.job.unwrap().id, id);
    let other = grpc.jobs().create(keyed(b"something else")).await.unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);
    assert_eq!(reason(&other), "idempotency_key_reused");
    let rest = net.post_job(&net::hash_job(b"once")).header("idempotency-key", "boot-1");
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.headers()["idempotency-replayed"], "true");
    assert_eq!(net.jobs().await, 1);
    id
}

async fn lease(grpc: &Grpc, token: &str) -> Vec<v1::Lease> {
    let asked = lease_request(4, 10_000);
    let leases = grpc.workers().lease(with(token, asked.clone())).await.unwrap().into_inner();
    let repeated = grpc.workers().lease(with(token, asked)).await.unwrap().into_inner();
    assert_eq!((leases.leases.len(), &leases), (1, &repeated));
    leases.leases
}

async fn beat(grpc: &Grpc, token: &str, lease: &v1::Lease) {
    let fence = lease.fence.clone().unwrap();
    let stale = v1::LeaseRef { epoch: fence.epoch + 1, ..fence.clone() };
    for (fence, state) in [(fence, LeaseState::Ok), (stale, LeaseState::Lost)] {
        let beat = v1::HeartbeatRequest { leases: vec![fence] };
        let beat = grpc.workers().heartbeat(with(token, beat)).await.unwrap().into_inner();
        assert_eq!(beat.results[0].state(), state);
    }
}

/// What gRPC shows of the finished job is what REST shows.
async fn compare(net: &Net, grpc: &Grpc, id: &str) {
    let device = net.device.token.as_str();
    let path = format!("/v1/jobs/{id}");
    let shown: Job = succeed(net.gateway.get(&path).bearer_auth(device)).await;
    let got = grpc.get(device, id, 10_000).await;
    assert!(got.evidence.is_some() && got.output.is_some() && got.settlement.is_some());
    // The money moves on meanwhile.
    let unsettled = |job: v1::Job| v1::Job { settlement: None, ..job };
    assert_eq!(unsettled(got), unsettled(shown.into()));
    let cancel = v1::CancelJobRequest { id: id.to_owned() };
    let late = grpc.jobs().cancel(with(device, cancel)).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    let rest = refused(net.gateway.post(&format!("{path}/cancel")).bearer_auth(device)).await;
    assert_eq!(reason(&late), rest.as_str());
}

/// Two jobs that end without a result, then pages of all three.
async fn end_otherwise(net: &Net, grpc: &Grpc, token: &str, first: &str) {
    let device = net.device.token.as_str();
    let failing = grpc.create(device, b"cannot").await;
    let failure = v1::FailRequest {
        fence: lease(grpc, token).await[0].fence.clone(),
        detail: "out of memory".to_owned(),
        retryable: false,
    };
    let reply = grpc.workers().fail(with(token, failure)).await.unwrap().into_inner();
    assert_eq!(reply.status(), JobStatus::Failed);
    assert_eq!(grpc.get(device, &failing.id, 0).await.failure.unwrap().detail, "out of memory");
    let canceled = grpc.create(device, b"not wanted any more").await;
    let cancel = v1::CancelJobRequest { id: canceled.id.clone() };
    let canceled = grpc.jobs().cancel(with(device, cancel)).await.unwrap().into_inner();
    assert_eq!(canceled.status(), JobStatus::Canceled);

    let list = |request: v1::ListJobsRequest| async move {
        grpc.jobs().list(with(device, request)).await.unwrap().into_inner()
    };
    let page = list(v1::ListJobsRequest { limit: 2, ..Default::default() }).await;
    let ids: Vec<&str> = page.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, [&canceled.id, &failing.id]);
    let rest = v1::ListJobsRequest { limit: 2, after: page.next_after, ..Default::default() };
    let page = list(rest).await;
    assert_eq!((page.jobs.len(), page.next_after.as_str()), (1, ""));
    assert_eq!(page.jobs[0].id, first);
    let failed = v1::ListJobsRequest { status: JobStatus::Failed.into(), ..Default::default() };
    let page = list(failed).await;
    assert_eq!((page.jobs.len(), page.jobs[0].reason.as_str()), (1, "model_error"));
}

#[tokio::test]
async fn a_job_lives_its_whole_life_over_grpc_and_rest_sees_the_same() {
    let (net, worker) = Net::with_hand_worker().await;
    let grpc = Grpc::connect(&net.dev.network.gateway_url).await;
    let token = log_in(&grpc, &worker).await;
    let id = create_once(&net, &grpc).await;

    let watched = with(&net.device.token, v1::WatchJobRequest { id: id.clone() });
    let mut watch = grpc.jobs().watch(watched).await.unwrap().into_inner();
    assert_eq!(told(&mut watch).await, Some(JobStatus::Queued));
    let leases = lease(&grpc, &token).await;
    assert_eq!(told(&mut watch).await, Some(JobStatus::Running));
    beat(&grpc, &token, &leases[0]).await;
    for _ in 0..2 {
        let results = with(&token, results_of(&worker, &leases));
        let reply = grpc.workers().submit_results(results).await.unwrap().into_inner();
        assert!(reply.results[0].accepted, "{:?}", reply.results[0].problem);
    }
    assert_eq!(told(&mut watch).await, Some(JobStatus::Succeeded));
    assert_eq!(told(&mut watch).await, None);
    compare(&net, &grpc, &id).await;
    end_otherwise(&net, &grpc, &token, &id).await;
    net.stop().await;
}
