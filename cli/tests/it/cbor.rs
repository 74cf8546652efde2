//! A device and a worker that speak CBOR, made by another library than the gateway's: the same jobs, the same refusals.

use ciborium::{Value, cbor};
use ciro_api::{
    ErrorCode, JobStatus, limits,
    rest::{
        Base64,
        jobs::{BatchItem, BatchReply, CreateBatch, Job},
        leases::{LeaseReply, LeaseRequest},
        results::{SubmitReply, SubmitResults},
    },
};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::net::{HandWorker, Net, hash_job, refusal, refused, sha256_model, succeed};

const CBOR: &str = "application/cbor";
const CONCISE: &str = "application/concise-problem-details+cbor";

fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

trait InCbor {
    fn cbor(self, body: &impl Serialize) -> Self;
}

impl InCbor for RequestBuilder {
    fn cbor(self, body: &impl Serialize) -> Self {
        self.header("content-type", CBOR).header("accept", CBOR).body(encode(body))
    }
}

async fn bytes(reply: Response, media_type: &str) -> Vec<u8> {
    assert_eq!(reply.headers()["content-type"], media_type);
    assert_eq!(reply.headers()["vary"], "accept");
    reply.bytes().await.unwrap().to_vec()
}

async fn read<T: DeserializeOwned>(request: RequestBuilder) -> T {
    let reply = request.send().await.unwrap();
    assert!(reply.status().is_success(), "{}", reply.status());
    ciborium::from_reader(&bytes(reply, CBOR).await[..]).unwrap()
}

fn member(map: &Value, key: impl Into<Value>) -> Value {
    let key = key.into();
    let found = map.as_map().unwrap().iter().find(|(name, _)| *name == key);
    found.unwrap_or_else(|| panic!("{map:?} has no {key:?}")).1.clone()
}

/// The HTTP part of a concise problem, checked for what must be beside it.
async fn concise(request: RequestBuilder) -> (StatusCode, Value) {
    let reply = request.send().await.unwrap();
    let status = reply.status();
    let request_id = reply.headers()["request-id"].to_str().unwrap().to_owned();
    let problem: Value = ciborium::from_reader(&bytes(reply, CONCISE).await[..]).unwrap();
    let http = member(&problem, 7_807);
    assert!(member(&problem, -1).is_text() && member(&problem, -2).is_text());
    assert_eq!(member(&http, 1), Value::from(status.as_u16()));
    assert_eq!(member(&http, "request_id"), Value::from(request_id));
    assert!(member(&http, "retryable").is_bool());
    let code = member(&http, "code").into_text().unwrap();
    assert_eq!(member(&http, 0), Value::from(format!("/errors/{code}")));
    (status, http)
}

#[tokio::test]
async fn a_job_lives_its_life_in_cbor() {
    let (net, worker) = Net::with_hand_worker().await;
    let post = || {
        let post = net.gateway.post("/v1/jobs").bearer_auth(&net.device.token);
        post.cbor(&hash_job(b"\x00\xff in bytes"))
    };
    let keyed = || post().header("idempotency-key", "boot-1");
    let job: Job = read(keyed()).await;
    let again = keyed().send().await.unwrap();
    assert_eq!(
        (again.status(), &again.headers()["idempotency-replayed"]),
        (StatusCode::ACCEPTED, &"true".parse().unwrap())
    );
    // The fingerprint is of the bytes, and these are others.
    let as_json = net.post_job(&hash_job(b"\x00\xff in bytes")).header("idempotency-key", "boot-1");
    assert_eq!(refused(as_json).await, ErrorCode::IdempotencyKeyReused);

    let request = LeaseRequest {
        pools: vec!["cpu".parse().unwrap()],
        max_jobs: 1,
        wait_ms: 10_000,
        lease_request_id: Uuid::new_v4(),
    };
    let granted: LeaseReply = read(worker.post(&net, "/v1/leases").cbor(&request)).await;
    let lease = &granted.leases[0];
    assert_eq!(lease.input, Base64(b"\x00\xff in bytes".to_vec()));
    let results = vec![HandWorker::result(lease)];
    let signature = worker.sign(&results, &worker.key);
    let submission = SubmitResults { results, signature };
    let reply: SubmitReply = read(worker.post(&net, "/v1/results").cbor(&submission)).await;
    assert!(reply.results[0].accepted);

    let get = || net.gateway.get(&format!("/v1/jobs/{}", job.id)).bearer_auth(&net.device.token);
    let in_cbor = get().header("accept", CBOR).send().await.unwrap();
    let tag = in_cbor.headers()["etag"].clone();
    let raw: Value = ciborium::from_reader(&bytes(in_cbor, CBOR).await[..]).unwrap();
    assert!(member(&member(&raw, "output"), "data").is_bytes(), "bytes must not be base64 here");
    let shown: Job = read(get().header("accept", CBOR)).await;
    let plain = get().send().await.unwrap();
    assert_ne!(plain.headers()["etag"], tag, "two representations under one tag");
    assert_eq!(plain.headers()["content-type"], "application/json");
    assert_eq!(plain.json::<Job>().await.unwrap(), shown);
    assert_eq!(shown.status, JobStatus::Succeeded);
    let unchanged =
        get().header("accept", CBOR).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    net.stop().await;
}

#[tokio::test]
async fn a_batch_in_cbor_is_accepted_item_by_item() {
    let net = Net::start().await;
    let post = || net.gateway.post("/v1/jobs/batch").bearer_auth(&net.device.token);
    let item = |key: &str, text: &[u8]| BatchItem {
        idempotency_key: Some(key.to_owned()),
        job: hash_job(text),
    };
    let batch = CreateBatch { items: vec![item("a", b"1"), item("b", b"2"), item("a", b"1")] };
    let reply: BatchReply = read(post().cbor(&batch)).await;
    let ids: Vec<_> =
        reply.results.iter().map(|outcome| outcome.job.as_ref().unwrap().id).collect();
    assert!(ids[0] == ids[2] && ids[0] != ids[1]);
    // Alone with the same bytes, it is the same job.
    let single = net.gateway.post("/v1/jobs").bearer_auth(&net.device.token).cbor(&hash_job(b"1"));
    assert_eq!(read::<Job>(single.header("idempotency-key", "a")).await.id, ids[0]);

    let good = cbor!({"job" => {"model" => "ciro/sha256@1", "input" => {"text" => "x"}}}).unwrap();
    let bad = [
        cbor!({"job" => {"model" => "ciro/sha256@1", "input" => {"data" => "AAAA"}}}).unwrap(),
        cbor!({"job" => {"model" => "ciro/sha256@1", "input" => {"text" => "x"}}, "surprise" => 1}).unwrap(),
        cbor!({"idempotency_key" => 5, "job" => {"model" => "ciro/sha256@1", "input" => {"text" => "x"}}}).unwrap(),
        cbor!({"idempotency_key" => "k"}).unwrap(),
        cbor!("not an item").unwrap(),
    ];
    let mut items = bad.to_vec();
    items.push(good.clone());
    let reply: BatchReply = read(post().cbor(&cbor!({"items" => items}).unwrap())).await;
    let pointer = |place: usize| {
        let problem = reply.results[place].problem.as_ref().unwrap();
        assert_eq!(problem.code, ErrorCode::InvalidRequest);
        problem.errors[0].pointer.clone()
    };
    assert_eq!(pointer(0), "/items/0/job/input/data");
    assert_eq!(pointer(1), "/items/1/surprise");
    assert!(pointer(2).starts_with("/items/2/idempotency_key"));
    assert!(pointer(3).starts_with("/items/3") && pointer(4).starts_with("/items/4"));
    assert_eq!(reply.results[5].status, 202);
    let many = cbor!({"items" => vec![good; limits::BATCH_JOBS_MAX + 1]}).unwrap();
    let (status, http) = concise(post().cbor(&many)).await;
    assert_eq!(
        (status, member(&http, "code")),
        (StatusCode::BAD_REQUEST, Value::from("invalid_request"))
    );
    net.stop().await;
}

#[tokio::test]
async fn refusals_in_cbor_say_what_those_in_json_do_and_store_nothing() {
    let net = Net::start().await;
    let post = || net.gateway.post("/v1/jobs").bearer_auth(&net.device.token);
    let code = |http: &Value| member(http, "code").into_text().unwrap();
    let raw = |body: Vec<u8>| post().header("content-type", CBOR).header("accept", CBOR).body(body);

    let extra =
        cbor!({"model" => "ciro/sha256@1", "input" => {"text" => "x"}, "surprise" => 1}).unwrap();
    let (status, http) = concise(post().cbor(&extra)).await;
    assert_eq!((status, code(&http)), (StatusCode::BAD_REQUEST, "invalid_request".to_owned()));
    let errors = member(&http, "errors").into_array().unwrap();
    assert_eq!(member(&errors[0], "pointer"), Value::from("/surprise"));
    for broken in [vec![], b"{}".to_vec(), vec![0x9f], [encode(&hash_job(b"x")), vec![0]].concat()]
    {
        assert_eq!(code(&concise(raw(broken)).await.1), "invalid_cbor");
    }
    let bomb = vec![0x81; limits::BODY_BYTES_MAX];
    assert_eq!(code(&concise(raw(bomb)).await.1), "invalid_cbor");
    let large = hash_job(&vec![0; limits::BODY_BYTES_MAX]);
    assert_eq!(code(&concise(post().cbor(&large)).await.1), "body_too_large");
    let other = post().header("content-type", "application/xml").header("accept", CBOR);
    assert_eq!(code(&concise(other.body("<job/>")).await.1), "unsupported_media_type");

    // Who reads neither format is told so in JSON, before anything is done.
    let neither =
        || post().header("accept", "text/html, application/cbor;q=0").json(&hash_job(b"x"));
    let problem = refusal(neither()).await;
    assert_eq!((problem.code, problem.status), (ErrorCode::NotAcceptable, 406));
    assert_eq!((net.jobs().await, net.held_fri().await), (0, 0));
    // And what has a form of its own is given to everyone.
    let model = sha256_model(&net).await;
    let manifest =
        net.gateway.get(&format!("/v1/models/{model}/manifest")).header("accept", "text/html");
    assert!(manifest.send().await.unwrap().status().is_success());
    // A weight decides, and JSON wins a tie.
    let liked = |accept: &str| net.gateway.get("/v1/models").header("accept", accept);
    let media_type = |reply: Response| reply.headers()["content-type"].clone();
    assert_eq!(
        media_type(liked("application/json;q=0.4, application/cbor;q=0.5").send().await.unwrap()),
        CBOR
    );
    assert_eq!(
        media_type(liked("application/cbor, */*").send().await.unwrap()),
        "application/json"
    );
    let _: ciro_api::rest::models::ModelList = succeed(liked("*/*")).await;
    net.stop().await;
}
