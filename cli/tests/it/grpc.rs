//! A generated client, and what it is refused with.

use ciro_api::{
    grpc::v1::{
        self, job_service_client::JobServiceClient, worker_service_client::WorkerServiceClient,
    },
    rest::{leases::Lease, results::ResultItem},
};
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::net::HandWorker;

/// One connection to a gateway.
#[derive(Clone)]
pub(crate) struct Grpc {
    pub(crate) channel: Channel,
}

impl Grpc {
    pub(crate) async fn connect(url: &str) -> Self {
        Self { channel: Channel::from_shared(url.to_owned()).unwrap().connect().await.unwrap() }
    }

    pub(crate) fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone())
    }

    pub(crate) fn workers(&self) -> WorkerServiceClient<Channel> {
        WorkerServiceClient::new(self.channel.clone())
    }

    pub(crate) async fn create(&self, token: &str, bytes: &[u8]) -> v1::Job {
        let request = with(token, hash_job(bytes));
        self.jobs().create(request).await.unwrap().into_inner().job.unwrap()
    }

    pub(crate) async fn get(&self, token: &str, id: &str, wait_ms: u64) -> v1::Job {
        let request = with(token, v1::GetJobRequest { id: id.to_owned(), wait_ms });
        self.jobs().get(request).await.unwrap().into_inner()
    }
}

/// A message under a token.
pub(crate) fn with<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

pub(crate) fn hash_job(bytes: &[u8]) -> v1::CreateJobRequest {
    v1::CreateJobRequest {
        model: "ciro/sha256@1".to_owned(),
        input: Some(v1::create_job_request::Input::Data(bytes.to_vec())),
        ..Default::default()
    }
}

pub(crate) fn lease_request(most: u32, wait_ms: u64) -> v1::LeaseRequest {
    v1::LeaseRequest {
        pools: vec!["cpu".to_owned()],
        max_jobs: most,
        wait_ms,
        lease_request_id: Uuid::new_v4().to_string(),
    }
}

/// The lease as the hand worker knows it.
pub(crate) fn granted(lease: &v1::Lease) -> Lease {
    Lease {
        fence: lease.fence.clone().unwrap().try_into().unwrap(),
        model: lease.model.parse().unwrap(),
        input: ciro_api::rest::Base64(lease.input.clone()),
        price_fri: lease.price_fri.parse().unwrap(),
        ttl_ms: lease.ttl_ms,
        run_within_ms: lease.run_within_ms,
        trace: None,
    }
}

/// The right results of leased hash jobs, signed.
pub(crate) fn results_of(worker: &HandWorker, leases: &[v1::Lease]) -> v1::SubmitResultsRequest {
    let items: Vec<ResultItem> =
        leases.iter().map(|lease| HandWorker::result(&granted(lease))).collect();
    let signature = worker.sign(&items, &worker.key);
    let item = |item: ResultItem| v1::ResultItem {
        fence: Some(item.fence.into()),
        model: item.model.to_string(),
        input: item.input.to_string(),
        output: item.output.0,
    };
    v1::SubmitResultsRequest {
        results: items.into_iter().map(item).collect(),
        signature: Some(signature.into()),
    }
}

/// Code, reason and the fields complained of, of a refusal that has everything it must have.
pub(crate) fn refusal(status: &Status) -> (Code, String, Vec<String>) {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "ciro", "{status:?}");
    assert!(info.metadata.contains_key("retryable"), "{status:?}");
    let request = &details.request_info().expect("a request id").request_id;
    assert!(request.starts_with("req_"), "{status:?}");
    if let Some(id) = status.metadata().get("request-id") {
        assert_eq!(id.to_str().unwrap(), request);
    }
    let fields = details.bad_request().map(|bad| bad.field_violations.iter());
    let fields = fields.into_iter().flatten().map(|violation| violation.field.clone()).collect();
    (status.code(), info.reason.clone(), fields)
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    refusal(status).1
}
