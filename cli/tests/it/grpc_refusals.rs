//! What gRPC refuses, and that it has the same reason that REST has; and how it ends.

use std::time::{Duration, Instant};

use ciro::demo::device::Device;
use ciro_api::{
    SponsorScope,
    grpc::v1::{self, JobStatus},
    limits,
};
use futures::stream;
use serde_json::{Value, json};
use tonic::{Code, Status, codegen::http::uri::PathAndQuery};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use crate::{
    grpc::{Grpc, hash_job, lease_request, reason, refusal, with},
    net::{self, Net, refused},
    quota::Strict,
    sponsor_desk::own_key,
};

async fn create(grpc: &Grpc, token: &str, message: v1::CreateJobRequest) -> Status {
    grpc.jobs().create(with(token, message)).await.unwrap_err()
}

/// The REST refusal of the hash job with these fields changed.
async fn rest(net: &Net, token: &str, changed: Value) -> String {
    let mut body = serde_json::to_value(net::hash_job(b"x")).unwrap();
    let (fields, changed) = (body.as_object_mut().unwrap(), changed.as_object().unwrap().clone());
    fields.extend(changed);
    let post = net.gateway.post("/v1/jobs").bearer_auth(token).json(&body);
    refused(post).await.as_str().to_owned()
}

#[tokio::test]
async fn grpc_refuses_what_rest_refuses_for_the_same_reason_and_stores_nothing() {
    let (net, worker) = Net::with_hand_worker().await;
    let grpc = Grpc::connect(&net.dev.network.gateway_url).await;
    let token = net.device.token.as_str();

    // Who may not.
    let nobody = grpc.jobs().create(hash_job(b"x")).await.unwrap_err();
    assert_eq!(
        (nobody.code(), reason(&nobody).as_str()),
        (Code::Unauthenticated, "unauthenticated")
    );
    for (token, code) in [
        ("not.a.token", Code::Unauthenticated),
        (worker.token.as_str(), Code::PermissionDenied),
        ("key_whatever", Code::PermissionDenied),
    ] {
        let status = create(&grpc, token, hash_job(b"x")).await;
        assert_eq!((status.code(), reason(&status)), (code, rest(&net, token, json!({})).await));
    }
    let lease = lease_request(&net, 1, 0).await;
    let status = grpc.workers().lease(with(token, lease.clone())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "forbidden"));

    // What cannot be used.
    type Change = fn(&mut v1::CreateJobRequest);
    let bad: [(Change, Value, Code, &str); 4] = [
        (
            |r| r.model = "ciro/none@1".into(),
            json!({"model": "ciro/none@1"}),
            Code::InvalidArgument,
            "model",
        ),
        (
            |r| r.run_within_ms = Some(limits::RUN_WITHIN_MS_MAX + 1),
            json!({"run_within_ms": limits::RUN_WITHIN_MS_MAX + 1}),
            Code::InvalidArgument,
            "run_within_ms",
        ),
        (|r| r.priority = 9, json!({"priority": "urgent"}), Code::InvalidArgument, "priority"),
        (
            |r| r.input = Some(v1::create_job_request::Input::Text("x".repeat(8_193))),
            json!({"input": {"text": "x".repeat(8_193)}}),
            Code::OutOfRange,
            "input",
        ),
    ];
    for (change, changed, code, field) in bad {
        let mut message = hash_job(b"x");
        change(&mut message);
        let status = create(&grpc, token, message).await;
        assert_eq!(
            refusal(&status),
            (code, rest(&net, token, changed).await, vec![field.to_owned()])
        );
    }
    let keyed = v1::CreateJobRequest { idempotency_key: "two words".to_owned(), ..hash_job(b"x") };
    let status = create(&grpc, token, keyed).await;
    assert_eq!(refusal(&status).2, ["idempotency_key"]);
    let empty = create(&grpc, token, v1::CreateJobRequest::default()).await;
    assert_eq!(
        refusal(&empty),
        (Code::InvalidArgument, "invalid_request".into(), vec!["model".into()])
    );
    let page = v1::ListJobsRequest { limit: limits::JOB_PAGE_MAX + 1, ..Default::default() };
    let status = grpc.jobs().list(with(token, page)).await.unwrap_err();
    assert_eq!(refusal(&status).2, ["limit"]);
    let none = v1::LeaseRequest { max_jobs: 0, ..lease };
    let status = grpc.workers().lease(with(&worker.token, none)).await.unwrap_err();
    assert_eq!(refusal(&status).2, ["max_jobs"]);
    let large = create(&grpc, token, hash_job(&vec![0; limits::JOB_MESSAGE_BYTES_MAX])).await;
    assert_eq!((large.code(), reason(&large).as_str()), (Code::OutOfRange, "body_too_large"));

    // What is not there, and what is not protobuf.
    let mut raw = tonic::client::Grpc::new(grpc.channel.clone());
    let codec = ProstCodec::<v1::SessionRequest, v1::Job>::default;
    for (path, code, known) in [
        ("/ciro.v1.JobService/Nothing", Code::Unimplemented, "not_found"),
        ("/nowhere.at.All/Nothing", Code::Unimplemented, "not_found"),
        ("/ciro.v1.JobService/Get", Code::InvalidArgument, "invalid_request"),
    ] {
        raw.ready().await.unwrap();
        let message = with(token, v1::SessionRequest { seq: 7, body: None });
        let status =
            raw.unary(message, PathAndQuery::from_static(path), codec()).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, known), "{path}");
    }
    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));

    // Another's job, and one that cannot be.
    let job = grpc.create(token, b"mine").await;
    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    for id in [job.id.as_str(), "job_7", "dev_1"] {
        let message = v1::GetJobRequest { id: id.to_owned(), wait_ms: 0 };
        let status = grpc.jobs().get(with(&other.token, message)).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::NotFound, "not_found"),
            "{id}"
        );
    }

    // A revoked device is out, also of what it watches.
    let mine = grpc.create(&other.token, b"theirs").await.id;
    let watch = v1::WatchJobRequest { id: mine };
    let mut watch = grpc.jobs().watch(with(&other.token, watch)).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), JobStatus::Queued);
    let manage = own_key(&net, &[SponsorScope::Manage]).await;
    let revoke = net.gateway.post(&format!("/v1/devices/{}/revoke", other.id)).bearer_auth(manage);
    assert!(revoke.send().await.unwrap().status().is_success());
    assert_eq!(reason(&watch.message().await.unwrap_err()), "device_revoked");
    let status = create(&grpc, &other.token, hash_job(b"x")).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unauthenticated, "device_revoked")
    );
    net.stop().await;
}

async fn services(grpc: &Grpc) -> Vec<String> {
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(grpc.channel.clone());
    let answers = reflection.server_reflection_info(stream::iter([list])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    match answer.message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn deadlines_quotas_and_the_end_of_a_replica_are_told_in_grpcs_own_terms() {
    const QUOTA: u32 = 6;
    let (net, worker) = Net::with_hand_worker().await;
    let strict = Strict::start(&net, QUOTA, &net.dev.network.redis_url).await;
    let grpc = Grpc::connect(&strict.url).await;
    let token = net.device.token.as_str();
    let job = grpc.create(token, b"waits for nobody").await;

    // A wait ends before its caller's patience; a stream ends with it.
    let patience = Duration::from_secs(3);
    let began = Instant::now();
    let message = v1::GetJobRequest { id: job.id.clone(), wait_ms: 30_000 };
    let mut request = with(token, message);
    request.set_timeout(patience);
    let got = grpc.jobs().get(request).await.unwrap().into_inner();
    assert_eq!(got.status(), JobStatus::Queued);
    let waited = began.elapsed();
    assert!((patience / 2..patience).contains(&waited), "{waited:?}");
    let watch = v1::WatchJobRequest { id: job.id.clone() };
    let mut request = with(token, watch.clone());
    request.set_timeout(Duration::from_secs(1));
    let mut ending = grpc.jobs().watch(request).await.unwrap().into_inner();
    assert_eq!(ending.message().await.unwrap().unwrap().status(), JobStatus::Queued);
    let ended = ending.message().await.unwrap_err();
    assert_eq!(
        (ended.code(), reason(&ended).as_str()),
        (Code::DeadlineExceeded, "request_timeout")
    );
    let mut request = with(token, watch.clone());
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let unreadable = grpc.jobs().watch(request).await.unwrap_err();
    assert_eq!(refusal(&unreadable).2, ["grpc-timeout"]);

    let mut watch = grpc.jobs().watch(with(token, watch)).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), JobStatus::Queued);

    // Two of six are left: what REST spends is gone for gRPC.
    assert_eq!(strict.jobs(&net.device).send().await.unwrap().status(), 200);
    let list = || with(token, v1::ListJobsRequest::default());
    let last = grpc.jobs().list(list()).await.unwrap();
    let standing = last.metadata().get("ratelimit").unwrap().to_str().unwrap();
    assert!(standing.starts_with("\"device\";r=0;t="), "{standing}");
    let refused = grpc.jobs().list(list()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "rate_limited")
    );
    let retry = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    assert!(retry > Duration::ZERO && retry <= Duration::from_secs(10), "{retry:?}");

    let mut names = services(&grpc).await;
    names.sort();
    let ours = ["ciro.v1.JobService", "ciro.v1.WorkerService", "grpc.health.v1.Health"];
    assert_eq!(names[..3], ours);
    let mut health = HealthClient::new(grpc.channel.clone());
    let about = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for name in ["", ours[0], ours[1]] {
        let mut told = health.watch(about(name)).await.unwrap().into_inner();
        // The first look may still be under way.
        while told.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    }
    let unknown = health.check(about("nobody")).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "not_found"));

    // The end: who watches is told, and may go elsewhere at once.
    let mut served = health.watch(about("")).await.unwrap().into_inner();
    assert_eq!(served.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let silent = with(&worker.token, stream::pending::<v1::SessionRequest>());
    let mut session = grpc.workers().session(silent).await.unwrap().into_inner();
    strict.stop().await;
    assert_eq!(served.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(served.message().await.unwrap().is_none());
    for ended in [watch.message().await.unwrap_err(), session.message().await.unwrap_err()] {
        assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unavailable, "unavailable"));
        assert!(ended.get_error_details().retry_info().is_some());
    }
    let elsewhere = Grpc::connect(&net.dev.network.gateway_url).await;
    assert_eq!(elsewhere.get(token, &job.id, 0).await.id, job.id);
    net.stop().await;
}
