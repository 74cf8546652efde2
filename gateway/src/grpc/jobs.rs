//! The job service: reads a message, calls the use case that REST calls, writes its answer.

use std::sync::Arc;

use ciro_api::{
    grpc::{
        job_id,
        v1::{
            CancelJobRequest, CreateJobReply, CreateJobRequest, GetJobRequest, Job, JobPage,
            ListJobsRequest, WatchJobRequest, job_service_server::JobService,
        },
    },
    limits,
    rest::jobs::CreateJob,
};
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use super::{call::Call, watch};
use crate::{
    app::App,
    jobs::{
        cancel,
        list::{self, PageQuery},
        submit, wait,
    },
    problem::ApiError,
};

/// Serves `ciro.v1.JobService`.
pub(super) struct Jobs(pub(super) Arc<App>);

#[tonic::async_trait]
impl JobService for Jobs {
    async fn create(
        &self,
        request: Request<CreateJobRequest>,
    ) -> Result<Response<CreateJobReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        call.reply(create(&call, message).await)
    }

    async fn get(&self, request: Request<GetJobRequest>) -> Result<Response<Job>, Status> {
        let (call, message) = Call::open(&self.0, request);
        call.reply(get(&call, &message).await)
    }

    type WatchStream = BoxStream<'static, Result<Job, Status>>;

    async fn watch(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (call, message) = Call::open(&self.0, request);
        let watching = watch::begin(call.clone(), &message).await;
        call.reply(watching)
    }

    async fn cancel(&self, request: Request<CancelJobRequest>) -> Result<Response<Job>, Status> {
        let (call, message) = Call::open(&self.0, request);
        call.reply(end(&call, &message).await)
    }

    async fn list(&self, request: Request<ListJobsRequest>) -> Result<Response<JobPage>, Status> {
        let (call, message) = Call::open(&self.0, request);
        call.reply(page(&call, message).await)
    }
}

async fn create(call: &Call, mut message: CreateJobRequest) -> Result<CreateJobReply, ApiError> {
    let device = call.device().await?;
    let key = std::mem::take(&mut message.idempotency_key);
    let wait_ms = call.wait_ms(message.wait_ms);
    let job = CreateJob::try_from(message)?;
    let idempotency = match key.as_str() {
        "" => None,
        key => Some((submit::usable_key(Some(key), "/idempotency_key")?, fingerprint(&job)?)),
    };
    let (job, replayed) =
        submit::run(&call.app, device, job, idempotency, call.trace(), wait_ms).await?;
    Ok(CreateJobReply { job: Some(job.into()), replayed })
}

/// The hash of the job as we write it in JSON, so that a key means the same job to REST when it sends these very bytes.
fn fingerprint(job: &CreateJob) -> Result<Vec<u8>, ApiError> {
    let body = serde_json::to_vec(job).map_err(|e| ApiError::internal("writing a job", &e))?;
    Ok(Sha256::digest(body).to_vec())
}

async fn get(call: &Call, message: &GetJobRequest) -> Result<Job, ApiError> {
    let device = call.device().await?;
    let id = job_id(&message.id)?;
    let job = wait::until_final(&call.app, device.id, id, call.wait_ms(message.wait_ms)).await?;
    Ok(job.into())
}

async fn end(call: &Call, message: &CancelJobRequest) -> Result<Job, ApiError> {
    let device = call.device().await?;
    Ok(cancel::run(&call.app, device, job_id(&message.id)?).await?.into())
}

async fn page(call: &Call, message: ListJobsRequest) -> Result<JobPage, ApiError> {
    let device = call.device().await?;
    let query = PageQuery {
        status: message.wanted_status()?,
        after: message.wanted_after()?,
        model: Some(message.model).filter(|model| !model.is_empty()),
        limit: if message.limit == 0 { limits::JOB_PAGE_DEFAULT } else { message.limit },
    };
    Ok(list::run(&call.app, device, &query).await?.into())
}
