//! A whole development network in a room of its own, a device in it, and a worker that a test moves by hand.

use ciro::demo::{client::Gateway, device::Device};
use ciro::dev::{self, Dev};
use ciro_api::{
    Address, ErrorCode, Felt, ModelId, Problem, Signature,
    felt::parse_felt,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        commitment::commit,
        sign,
        snip12::TypedStruct,
        worker_login::WorkerLogin,
    },
    limits,
    rest::{
        Base64,
        devices::Token,
        jobs::{CreateJob, Job, JobInput},
        leases::{Lease, LeaseReply, LeaseRequest},
        results::{ResultItem, SubmitReply, SubmitResults},
        workers::{Challenge, ChallengeRequest, SessionRequest},
    },
};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::room::Room;

pub(crate) struct Net {
    pub(crate) dev: Dev,
    pub(crate) gateway: Gateway,
    pub(crate) device: Device,
    pub(crate) room: Room,
}

impl Net {
    pub(crate) async fn start() -> Self {
        Self::start_in(Room::new()).await
    }

    /// A network whose sponsor has never written a policy: the one that it starts with is gone.
    pub(crate) async fn without_policy() -> Self {
        let net = Self::start().await;
        net.execute("delete from policy").await;
        net
    }

    pub(crate) async fn start_in(room: Room) -> Self {
        let dev = dev::start(room.path()).await.unwrap();
        let gateway = Gateway::new(&dev.network.gateway_url).unwrap();
        let device = Device::enrol(&gateway, &dev.network).await.unwrap();
        Self { dev, gateway, device, room }
    }

    /// A network whose jobs wait until the test itself leases them.
    pub(crate) async fn with_hand_worker() -> (Self, HandWorker) {
        let mut net = Self::start().await;
        net.dev.services.worker.stop().await.unwrap();
        let worker = HandWorker::log_in(&net).await;
        (net, worker)
    }

    pub(crate) async fn stop(self) -> Room {
        // On the heap: it holds all that runs.
        Box::pin(self.dev.stop()).await.unwrap();
        self.room
    }

    pub(crate) fn post_job(&self, body: &CreateJob) -> RequestBuilder {
        self.gateway.post("/v1/jobs").bearer_auth(&self.device.token).json(body)
    }

    /// Whether the bearer of this token is let in and its job is accepted.
    pub(crate) async fn works_for(&self, token: &str) {
        let job =
            self.gateway.post("/v1/jobs").bearer_auth(token).json(&hash_job(b"by its bearer"));
        let _: Job = succeed(job).await;
    }

    /// Accepts a hash job without waiting for it.
    pub(crate) async fn submit(&self, bytes: &[u8]) -> Job {
        succeed(self.post_job(&hash_job(bytes))).await
    }

    /// The first column of the first row, as text.
    pub(crate) async fn sql(&self, query: &str) -> String {
        let url = &self.dev.network.database_url;
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Runs statements that return nothing.
    pub(crate) async fn execute(&self, statements: &str) {
        let url = &self.dev.network.database_url;
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(statements).await.unwrap();
    }

    /// What is held for this sponsor's jobs and unsettled results.
    pub(crate) async fn held_fri(&self) -> u128 {
        self.sql("SELECT sum(held_fri)::text FROM sponsor").await.parse().unwrap()
    }

    pub(crate) async fn jobs(&self) -> u32 {
        self.sql("SELECT count(*)::text FROM job").await.parse().unwrap()
    }
}

pub(crate) fn hash_job(bytes: &[u8]) -> CreateJob {
    CreateJob {
        model: "ciro/sha256@1".to_owned(),
        input: JobInput::Data(Base64(bytes.to_vec())),
        start_within_ms: None,
        run_within_ms: None,
        delay_ms: None,
        priority: None,
        webhook: None,
    }
}

/// The answer to a request that must succeed.
pub(crate) async fn succeed<T: DeserializeOwned>(request: RequestBuilder) -> T {
    ciro::demo::client::answer(request).await.unwrap()
}

/// The problem of a request that must be refused, checked for its shape.
pub(crate) async fn refusal(request: RequestBuilder) -> Problem {
    let reply = request.send().await.unwrap();
    let status = reply.status();
    let content_type = reply.headers()["content-type"].to_str().unwrap().to_owned();
    let request_id = reply.headers()["request-id"].to_str().unwrap().to_owned();
    let text = reply.text().await.unwrap();
    let problem: Problem =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{status}: {text}: {e}"));
    assert_eq!(content_type, "application/problem+json");
    assert_eq!(status, StatusCode::from_u16(problem.status).unwrap());
    assert_eq!(problem.code.status(), problem.status);
    assert_eq!(problem.request_id.as_deref(), Some(request_id.as_str()));
    assert_eq!(problem.kind, format!("/errors/{}", problem.code));
    problem
}

/// The code of a request that must be refused.
pub(crate) async fn refused(request: RequestBuilder) -> ErrorCode {
    refusal(request).await.code
}

/// A worker that does what a test says, with the network's registered key.
#[derive(Clone)]
pub(crate) struct HandWorker {
    pub(crate) address: Address,
    pub(crate) key: Felt,
    pub(crate) token: String,
    pub(crate) chain: ciro_api::ChainId,
    pub(crate) contract: Address,
}

impl HandWorker {
    pub(crate) async fn log_in(net: &Net) -> Self {
        let text = std::fs::read_to_string(net.room.path().join("network/worker.key")).unwrap();
        let worker = Self {
            address: net.dev.network.worker,
            key: parse_felt(text.trim()).unwrap(),
            token: String::new(),
            chain: net.dev.network.contracts.chain_id,
            contract: net.dev.network.contracts.job_manager,
        };
        worker.log_in_again(net).await
    }

    pub(crate) async fn log_in_again(mut self, net: &Net) -> Self {
        let challenge = self.challenge(net).await;
        let session = self.answer(&challenge, &self.key);
        let token: Token = succeed(net.gateway.post("/v1/workers/session").json(&session)).await;
        self.token = token.access_token;
        self
    }

    pub(crate) async fn challenge(&self, net: &Net) -> Challenge {
        let request = ChallengeRequest { worker: self.address };
        succeed(net.gateway.post("/v1/workers/challenge").json(&request)).await
    }

    pub(crate) fn answer(&self, challenge: &Challenge, key: &Felt) -> SessionRequest {
        let login = WorkerLogin {
            worker: self.address,
            challenge: challenge.challenge,
            contract: challenge.contract,
        };
        let message = login.message_hash(challenge.chain_id, self.address);
        let signature = sign::sign(key, &message).unwrap();
        SessionRequest { worker: self.address, challenge: challenge.challenge, signature }
    }

    pub(crate) fn post(&self, net: &Net, path: &str) -> RequestBuilder {
        net.gateway.post(path).bearer_auth(&self.token)
    }

    /// Leases up to `most` hash jobs, waiting up to `wait_ms` for a first.
    pub(crate) async fn lease(&self, net: &Net, most: u32, wait_ms: u64) -> Vec<Lease> {
        self.lease_as(net, most, wait_ms, Uuid::new_v4()).await
    }

    pub(crate) async fn lease_as(
        &self,
        net: &Net,
        most: u32,
        wait_ms: u64,
        request: Uuid,
    ) -> Vec<Lease> {
        assert!(wait_ms <= limits::WAIT_MS_MAX);
        let body = LeaseRequest {
            pools: vec!["cpu".parse().unwrap()],
            max_jobs: most,
            wait_ms,
            lease_request_id: request,
        };
        let reply: LeaseReply = succeed(self.post(net, "/v1/leases").json(&body)).await;
        reply.leases
    }

    /// The right result of a leased hash job.
    pub(crate) fn result(lease: &Lease) -> ResultItem {
        Self::result_of(lease, Sha256::digest(&lease.input.0).to_vec())
    }

    pub(crate) fn result_of(lease: &Lease, output: Vec<u8>) -> ResultItem {
        ResultItem {
            fence: lease.fence,
            model: lease.model,
            input: commit(ciro_api::Scheme::Poseidon, &lease.input.0),
            output: Base64(output),
        }
    }

    pub(crate) fn sign(&self, results: &[ResultItem], key: &Felt) -> Signature {
        let leaves: Vec<Felt> = results
            .iter()
            .map(|item| {
                let attestation = Attestation {
                    job: item.fence.job.into(),
                    epoch: item.fence.epoch,
                    model: item.model,
                    input: item.input,
                    output: commit(ciro_api::Scheme::Poseidon, &item.output.0),
                    contract: self.contract,
                    worker: self.address,
                };
                attestation.struct_hash()
            })
            .collect();
        let batch = AttestationBatch {
            root: BatchTree::build(&leaves).unwrap().root(),
            count: u64::try_from(results.len()).unwrap(),
            contract: self.contract,
            worker: self.address,
        };
        sign::sign(key, &batch.message_hash(self.chain, self.address)).unwrap()
    }

    pub(crate) fn submission(&self, net: &Net, results: Vec<ResultItem>) -> RequestBuilder {
        let signature = self.sign(&results, &self.key);
        self.post(net, "/v1/results").json(&SubmitResults { results, signature })
    }

    pub(crate) async fn submit(&self, net: &Net, results: Vec<ResultItem>) -> SubmitReply {
        succeed(self.submission(net, results)).await
    }
}

pub(crate) async fn sha256_model(net: &Net) -> ModelId {
    net.sql("SELECT model_id FROM model WHERE name = 'ciro/sha256@1'").await.parse().unwrap()
}
