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
use tonic::{Code, Status, Streaming, codegen::http::uri::PathAndQuery};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use crate::{
    grpc::{Grpc, hash_job, lease_request, reason, refusal, with},
    net::{self, HandWorker, Net, refused},
    quota::Strict,
    sponsor_desk::own_key,
};

/// Enough for what the tests do, and used up soon.
const QUOTA: u32 = 6;

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

async fn who_may_not(net: &Net, grpc: &Grpc, worker: &HandWorker) {
    let nobody = grpc.jobs().create(hash_job(b"x")).await.unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    assert_eq!(reason(&nobody), "unauthenticated");
    for (token, code) in [
        ("not.a.token", Code::Unauthenticated),
        (worker.token.as_str(), Code::PermissionDenied),
        ("key_whatever", Code::PermissionDenied),
    ] {
        let status = create(grpc, token, hash_job(b"x")).await;
        assert_eq!((status.code(), reason(&status)), (code, rest(net, token, json!({})).await));
    }
    let asked = with(&net.device.token, lease_request(1, 0));
    let status = grpc.workers().lease(asked).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "forbidden"));
}

/// A change of a good job, the same in JSON, and how gRPC calls it and its place.
type Fault = (fn(&mut v1::CreateJobRequest), Value, Code, &'static str);

fn faults() -> [Fault; 4] {
    let long = limits::RUN_WITHIN_MS_MAX + 1;
    let large = || "x".repeat(8_193);
    [
        (
            |r| r.model = "ciro/none@1".to_owned(),
            json!({"model": "ciro/none@1"}),
            Code::InvalidArgument,
            "model",
        ),
        (
            |r| r.run_within_ms = Some(limits::RUN_WITHIN_MS_MAX + 1),
            json!({"run_within_ms": long}),
            Code::InvalidArgument,
            "run_within_ms",
        ),
        (|r| r.priority = 9, json!({"priority": "urgent"}), Code::InvalidArgument, "priority"),
        (
            |r| r.input = Some(v1::create_job_request::Input::Text("x".repeat(8_193))),
            json!({"input": {"text": large()}}),
            Code::OutOfRange,
            "input",
        ),
    ]
}

async fn what_cannot_be_used(net: &Net, grpc: &Grpc, worker: &HandWorker) {
    let token = net.device.token.as_str();
    for (change, changed, code, field) in faults() {
        let mut message = hash_job(b"x");
        change(&mut message);
        let status = create(grpc, token, message).await;
        let known = rest(net, token, changed).await;
        assert_eq!(refusal(&status), (code, known, vec![field.to_owned()]));
    }
    let keyed = v1::CreateJobRequest { idempotency_key: "two words".to_owned(), ..hash_job(b"x") };
    let status = create(grpc, token, keyed).await;
    assert_eq!(refusal(&status).2, ["idempotency_key"]);
    let status = create(grpc, token, v1::CreateJobRequest::default()).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::InvalidArgument, "invalid_request")
    );
    assert_eq!(refusal(&status).2, ["model"]);
    let page = v1::ListJobsRequest { limit: limits::JOB_PAGE_MAX + 1, ..Default::default() };
    let status = grpc.jobs().list(with(token, page)).await.unwrap_err();
    assert_eq!(refusal(&status).2, ["limit"]);
    let none = lease_request(0, 0);
    let status = grpc.workers().lease(with(&worker.token, none)).await.unwrap_err();
    assert_eq!(refusal(&status).2, ["max_jobs"]);
    let large = create(grpc, token, hash_job(&vec![0; limits::JOB_MESSAGE_BYTES_MAX])).await;
    assert_eq!((large.code(), reason(&large).as_str()), (Code::OutOfRange, "body_too_large"));
}

/// What is not there, and what is not the message that it should be.
async fn what_is_not_there(net: &Net, grpc: &Grpc) {
    let mut raw = tonic::client::Grpc::new(grpc.channel.clone());
    for (path, code, known) in [
        ("/ciro.v1.JobService/Nothing", Code::Unimplemented, "not_found"),
        ("/nowhere.at.All/Nothing", Code::Unimplemented, "not_found"),
        ("/ciro.v1.JobService/Get", Code::InvalidArgument, "invalid_request"),
    ] {
        raw.ready().await.unwrap();
        let message = with(&net.device.token, v1::SessionRequest { seq: 7, body: None });
        let codec = ProstCodec::<v1::SessionRequest, v1::Job>::default();
        let path_of = PathAndQuery::from_static(path);
        let status = raw.unary(message, path_of, codec).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, known), "{path}");
    }
}

/// Another's job, and ids that cannot be.
async fn what_is_anothers(net: &Net, grpc: &Grpc, other: &Device) {
    let job = grpc.create(&net.device.token, b"mine").await;
    for id in [job.id.as_str(), "job_7", "dev_1"] {
        let message = v1::GetJobRequest { id: id.to_owned(), wait_ms: 0 };
        let status = grpc.jobs().get(with(&other.token, message)).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::NotFound, "not_found"),
            "{id}"
        );
    }
}

/// A revoked device is out, also of what it watches.
async fn who_may_not_any_more(net: &Net, grpc: &Grpc, other: &Device) {
    let watch = v1::WatchJobRequest { id: grpc.create(&other.token, b"theirs").await.id };
    let mut watch = grpc.jobs().watch(with(&other.token, watch)).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), JobStatus::Queued);
    let manage = own_key(net, &[SponsorScope::Manage]).await;
    let revoke = net.gateway.post(&format!("/v1/devices/{}/revoke", other.id)).bearer_auth(manage);
    assert!(revoke.send().await.unwrap().status().is_success());
    let cut = watch.message().await.unwrap_err();
    for status in [cut, create(grpc, &other.token, hash_job(b"x")).await] {
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "device_revoked");
    }
}

#[tokio::test]
async fn grpc_refuses_what_rest_refuses_for_the_same_reason_and_stores_nothing() {
    let (net, worker) = Net::with_hand_worker().await;
    let grpc = Grpc::connect(&net.dev.network.gateway_url).await;
    who_may_not(&net, &grpc, &worker).await;
    what_cannot_be_used(&net, &grpc, &worker).await;
    what_is_not_there(&net, &grpc).await;
    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));
    let other = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    what_is_anothers(&net, &grpc, &other).await;
    who_may_not_any_more(&net, &grpc, &other).await;
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

/// A wait ends before its caller's patience, and a stream with it.
async fn deadlines(grpc: &Grpc, token: &str, id: &str) {
    let patience = Duration::from_secs(3);
    let began = Instant::now();
    let mut request = with(token, v1::GetJobRequest { id: id.to_owned(), wait_ms: 30_000 });
    request.set_timeout(patience);
    let got = grpc.jobs().get(request).await.unwrap().into_inner();
    assert_eq!(got.status(), JobStatus::Queued);
    assert!(began.elapsed() >= patience / 2, "the wait was cut short");

    let watch = v1::WatchJobRequest { id: id.to_owned() };
    let mut request = with(token, watch.clone());
    request.set_timeout(Duration::from_secs(2));
    let mut ending = grpc.jobs().watch(request).await.unwrap().into_inner();
    assert_eq!(ending.message().await.unwrap().unwrap().status(), JobStatus::Queued);
    let ended = ending.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&ended), "request_timeout");
    let mut request = with(token, watch);
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let unreadable = grpc.jobs().watch(request).await.unwrap_err();
    assert_eq!(refusal(&unreadable).2, ["grpc-timeout"]);
}

/// One quota for both ways in. It grows back while a busy machine goes on, so calls are made until it is used up.
async fn quotas(net: &Net, grpc: &Grpc, strict: &Strict) {
    let frugal = Device::enrol(&net.gateway, &net.dev.network).await.unwrap();
    let mut refused = None;
    for _ in 0..10 * QUOTA {
        match grpc.jobs().list(with(&frugal.token, v1::ListJobsRequest::default())).await {
            Ok(page) => {
                let standing = page.metadata().get("ratelimit").unwrap().to_str().unwrap();
                assert!(standing.starts_with("\"device\";r="), "{standing}");
            }
            Err(status) => {
                refused = Some(status);
                break;
            }
        }
    }
    let refused = refused.expect("the quota was never used up");
    assert_eq!(strict.jobs(&frugal).send().await.unwrap().status(), 429);
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "rate_limited");
    let retry = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    assert!(retry > Duration::ZERO && retry <= Duration::from_secs(10), "{retry:?}");
}

async fn health(grpc: &Grpc) -> Streaming<HealthCheckResponse> {
    let mut client = HealthClient::new(grpc.channel.clone());
    let about = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for name in ["ciro.v1.JobService", "ciro.v1.WorkerService"] {
        let mut told = client.watch(about(name)).await.unwrap().into_inner();
        // The first look may still be under way.
        while told.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    }
    let unknown = client.check(about("nobody")).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "not_found"));
    let mut all = client.watch(about("")).await.unwrap().into_inner();
    assert_eq!(all.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    all
}

#[tokio::test]
async fn deadlines_quotas_and_the_end_of_a_replica_are_told_in_grpcs_own_terms() {
    let (net, worker) = Net::with_hand_worker().await;
    let strict = Strict::start(&net, QUOTA, &net.dev.network.redis_url).await;
    let grpc = Grpc::connect(&strict.url).await;
    let token = net.device.token.as_str();
    let job = grpc.create(token, b"waits for nobody").await;
    deadlines(&grpc, token, &job.id).await;
    quotas(&net, &grpc, &strict).await;
    let mut names = services(&grpc).await;
    names.sort();
    let known = ["ciro.v1.JobService", "ciro.v1.WorkerService", "grpc.health.v1.Health"];
    assert_eq!(names[..3], known);

    // The end: who watches is told, and may go elsewhere at once.
    let mut served = health(&grpc).await;
    let watch = with(token, v1::WatchJobRequest { id: job.id.clone() });
    let mut watch = grpc.jobs().watch(watch).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), JobStatus::Queued);
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
