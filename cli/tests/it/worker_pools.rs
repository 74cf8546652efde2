//! Pools: who is given whose jobs, and what a real worker does with a model that it has not loaded.

use std::{collections::HashSet, num::NonZeroU32, path::PathBuf, time::Duration};

use ciro::stack::{
    ToolPaths,
    service::{Service, ServiceSpec},
};
use ciro_api::{
    ErrorCode, Fri, JobStatus, PoolName,
    rest::{
        Base64,
        jobs::{CreateJob, Job, JobInput},
        leases::{Lease, LeaseReply, LeaseRequest},
        pools::PoolList,
        workers::{Challenge, ChallengeRequest},
    },
};
use ciro_gateway::models::register::{Terms, register};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::net::{HandWorker, Net, hash_job, refused, succeed};

const PATIENCE: Duration = Duration::from_secs(30);
const SHA256: &str = include_str!("../../../worker-pull/models/sha256/manifest.json");

fn pools(names: &[&str]) -> Vec<PoolName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn ask(pools: Vec<PoolName>, wait_ms: u64) -> LeaseRequest {
    LeaseRequest { pools, max_jobs: 4, wait_ms, lease_request_id: Uuid::new_v4() }
}

async fn lease(net: &Net, worker: &HandWorker, names: &[&str], wait_ms: u64) -> Vec<Lease> {
    let reply: LeaseReply =
        succeed(worker.post(net, "/v1/leases").json(&ask(pools(names), wait_ms))).await;
    reply.leases
}

fn job(model: &str, input: &str) -> CreateJob {
    let input = JobInput::Data(Base64(input.as_bytes().to_vec()));
    CreateJob { model: model.to_owned(), input, ..hash_job(b"") }
}

async fn post(net: &Net, model: &str, input: &str) -> Job {
    succeed(net.post_job(&job(model, input))).await
}

async fn until_final(net: &Net, job: &Job) -> Job {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = net.gateway.job(&net.device, job.id).await.unwrap();
        if seen.status.is_final() {
            return seen;
        }
        assert!(Instant::now() < deadline, "job {} is still {}", job.id, seen.status);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Another model by the same program.
async fn register_hash(net: &Net, name: &str, runtime: &str, pool: &str) {
    let url = &net.dev.network.database_url;
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let manifest = SHA256.replace("ciro/sha256@1", name);
    let manifest = manifest.replace(r#""runtime":"sha256""#, &format!(r#""runtime":"{runtime}""#));
    assert_ne!(manifest, SHA256);
    let terms = Terms {
        price: Fri(1_000),
        pool: pool.parse().unwrap(),
        expected_run_ms: NonZeroU32::new(20).unwrap(),
    };
    register(&client, manifest.as_bytes(), None, &terms).await.unwrap();
}

/// A worker process of its own, in the place of the network's.
async fn worker(net: &mut Net, settings: &[(&str, &str)]) -> Service {
    net.dev.services.worker.stop().await.unwrap();
    let request = ChallengeRequest { worker: net.dev.network.worker };
    let challenge: Challenge =
        succeed(net.gateway.post("/v1/workers/challenge").json(&request)).await;
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("ciro-worker");
    let log = net.room.path().join("own-worker.log");
    let mut spec = ServiceSpec::new("own-worker", program, &log)
        .env("CIRO_GATEWAY_URL", &net.dev.network.gateway_url)
        .env("CIRO_WORKER_ADDRESS", net.dev.network.worker.to_string())
        .env("CIRO_WORKER_KEY_FILE", net.room.path().join("network/worker.key"))
        .env("CIRO_CHAIN_ID", challenge.chain_id.to_string())
        .env("CIRO_JOB_MANAGER", net.dev.network.contracts.job_manager.to_string())
        .env("CIRO_OPERATOR_ADDRESS", net.dev.network.operator.to_string())
        // It countersigns nothing here.
        .env("CIRO_OPERATOR_PUBLIC_KEY", "0x1")
        .env("CIRO_WORKER_STATE_DIR", net.room.path().join("own-worker"));
    for (name, value) in settings {
        spec = spec.env(*name, *value);
    }
    Service::spawn(spec).await.unwrap()
}

fn log_of(worker: &Service) -> String {
    std::fs::read_to_string(worker.log_path()).unwrap()
}

fn onnxruntime() -> PathBuf {
    ToolPaths::find().unwrap().onnxruntime_lib
}

#[tokio::test]
async fn a_worker_is_given_the_jobs_of_its_pools_and_of_any_model_there() {
    let (net, worker) = Net::with_hand_worker().await;
    register_hash(&net, "test/hash@1", "sha256", "cpu").await;
    let rated = post(&net, "ciro/sentiment@1", "not for everyone").await;
    assert_eq!(lease(&net, &worker, &["cpu"], 0).await, []);
    let jobs = [post(&net, "ciro/sha256@1", "one").await, post(&net, "test/hash@1", "two").await];
    let given = lease(&net, &worker, &["cpu"], 10_000).await;
    let mut all = given.iter().map(|lease| lease.fence.job).collect::<HashSet<_>>();
    while all.len() < 2 {
        let more = lease(&net, &worker, &["cpu"], 10_000).await;
        assert!(!more.is_empty(), "{all:?}");
        all.extend(more.iter().map(|lease| lease.fence.job));
    }
    assert_eq!(all, jobs.iter().map(|job| job.id).collect());
    let models: HashSet<_> = given.iter().map(|lease| lease.model).collect();
    assert!(!models.is_empty());
    let other = lease(&net, &worker, &["cpu", "cpu.onnx"], 10_000).await;
    assert_eq!(other.iter().map(|lease| lease.fence.job).collect::<Vec<_>>(), [rated.id]);

    let list: PoolList = succeed(net.gateway.get("/v1/pools").bearer_auth(&worker.token)).await;
    let shown: Vec<_> =
        list.data.iter().map(|pool| (pool.pool.as_str(), pool.models.len())).collect();
    assert_eq!(shown, [("cpu", 2), ("cpu.onnx", 1)]);
    net.stop().await;
}

#[tokio::test]
async fn a_lease_request_names_pools_that_exist_and_not_too_many() {
    let (net, worker) = Net::with_hand_worker().await;
    let post = |body: serde_json::Value| worker.post(&net, "/v1/leases").json(&body);
    let body = |pools: serde_json::Value| {
        serde_json::json!({
            "pools": pools, "max_jobs": 1, "wait_ms": 0, "lease_request_id": Uuid::new_v4()
        })
    };
    assert_eq!(refused(post(body(["gpu24"].into()))).await, ErrorCode::UnknownPool);
    let many: Vec<String> = vec!["cpu".to_owned(); 17];
    for bad in [[""; 0].into(), ["Cpu"].into(), ["cpu}:own"].into(), many.into(), "cpu".into()] {
        let body = body(bad);
        assert_eq!(refused(post(body.clone())).await, ErrorCode::InvalidRequest, "{body}");
    }
    // From its first model on, a pool exists.
    register_hash(&net, "test/hash@1", "sha256", "gpu24").await;
    let _: LeaseReply = succeed(post(body(["gpu24"].into()))).await;
    net.stop().await;
}

#[tokio::test]
async fn a_worker_runs_more_models_than_it_keeps_loaded() {
    let mut net = Net::start().await;
    let onnxruntime = onnxruntime();
    let settings = [
        ("CIRO_WORKER_POOLS", "cpu.onnx,cpu"),
        ("CIRO_WORKER_MODELS", "1"),
        ("CIRO_ONNXRUNTIME_LIB", onnxruntime.to_str().unwrap()),
    ];
    let mut own = worker(&mut net, &settings).await;
    for round in 0..3 {
        for model in ["ciro/sha256@1", "ciro/sentiment@1"] {
            let job = post(&net, model, &format!("round {round}")).await;
            let done = until_final(&net, &job).await;
            assert_eq!(done.status, JobStatus::Succeeded, "{model}: {:?}", done.failure);
        }
    }
    let unloaded = log_of(&own).matches("model unloaded").count();
    assert!(unloaded >= 4, "{unloaded} times a model made room for the other");
    own.stop().await.unwrap();
    net.stop().await;
}

#[tokio::test]
async fn a_worker_leaves_a_pool_alone_of_which_it_can_run_nothing() {
    let mut net = Net::start().await;
    // Without ONNX Runtime.
    let mut own = worker(&mut net, &[("CIRO_WORKER_POOLS", "cpu.onnx,cpu")]).await;
    let rated = post(&net, "ciro/sentiment@1", "left for another").await;
    let hashed = post(&net, "ciro/sha256@1", "done meanwhile").await;
    assert_eq!(until_final(&net, &hashed).await.status, JobStatus::Succeeded);
    let waits = net.gateway.job(&net.device, rated.id).await.unwrap();
    assert_eq!(waits.status, JobStatus::Queued);
    let fails = "SELECT fail_count::text FROM job_live JOIN job USING (job_id)";
    assert_eq!(net.sql(fails).await, "0");
    own.stop().await.unwrap();
    net.stop().await;
}

#[tokio::test]
async fn a_model_that_no_worker_of_its_pool_can_run_fails_its_jobs_and_says_why() {
    let mut net = Net::start().await;
    register_hash(&net, "test/graph@1", "onnx", "cpu").await;
    let mut own = worker(&mut net, &[("CIRO_WORKER_POOLS", "cpu")]).await;
    let job = post(&net, "test/graph@1", "who can run this?").await;
    let done = until_final(&net, &job).await;
    let failure = done.failure.unwrap();
    assert_eq!((done.status, failure.reason.as_str()), (JobStatus::Failed, "model_error"));
    assert!(failure.detail.contains("no ONNX Runtime library"), "{}", failure.detail);
    let good = post(&net, "ciro/sha256@1", "still at work").await;
    assert_eq!(until_final(&net, &good).await.status, JobStatus::Succeeded);
    own.stop().await.unwrap();
    net.stop().await;
}

#[tokio::test]
async fn a_job_whose_model_cannot_be_had_now_is_given_back_without_blame() {
    let mut net = Net::start().await;
    let onnxruntime = onnxruntime();
    let settings = [
        ("CIRO_WORKER_POOLS", "cpu.onnx,cpu"),
        ("CIRO_WORKER_MODELS", "1"),
        ("CIRO_ONNXRUNTIME_LIB", onnxruntime.to_str().unwrap()),
    ];
    let mut own = worker(&mut net, &settings).await;
    let rated = post(&net, "ciro/sentiment@1", "loaded for this one").await;
    assert_eq!(until_final(&net, &rated).await.status, JobStatus::Succeeded);
    let hashed = post(&net, "ciro/sha256@1", "takes its room").await;
    assert_eq!(until_final(&net, &hashed).await.status, JobStatus::Succeeded);
    // What the catalogue has of it now is not what its manifest pins, and the worker's own copy is gone.
    net.execute(
        "CREATE TABLE kept AS SELECT artifact FROM model WHERE name = 'ciro/sentiment@1'; \
                 UPDATE model SET artifact = 'other bytes' WHERE name = 'ciro/sentiment@1'",
    )
    .await;
    std::fs::remove_dir_all(net.room.path().join("own-worker/models")).unwrap();
    let waits = post(&net, "ciro/sentiment@1", "when it is back").await;
    let deadline = Instant::now() + PATIENCE;
    while !log_of(&own).contains("the job is given back") {
        assert!(Instant::now() < deadline, "the job was never given back");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(net.sql("SELECT sum(fail_count)::text FROM job_live").await, "0");
    net.execute(
        "UPDATE model SET artifact = kept.artifact FROM kept WHERE name = 'ciro/sentiment@1'",
    )
    .await;
    assert_eq!(until_final(&net, &waits).await.status, JobStatus::Succeeded);
    own.stop().await.unwrap();
    net.stop().await;
}
