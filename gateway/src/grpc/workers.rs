//! The worker service: reads a message, calls the use case that REST calls, writes its answer.

use std::sync::Arc;

use ciro_api::grpc::v1::{
    ChallengeReply, ChallengeRequest, FailReply, FailRequest, HeartbeatReply, HeartbeatRequest,
    LeaseReply, LeaseRequest, OpenSessionReply, OpenSessionRequest, ReleaseReply, ReleaseRequest,
    SessionReply, SessionRequest, SubmitResultsReply, SubmitResultsRequest,
    worker_service_server::WorkerService,
};
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::{call::Call, session};
use crate::{
    app::App,
    auth::Worker,
    leases::{self, fail, heartbeat, take},
    problem::ApiError,
    results,
    workers::{challenge, session as login},
};

/// Serves `ciro.v1.WorkerService`.
pub(super) struct Workers(pub(super) Arc<App>);

#[tonic::async_trait]
impl WorkerService for Workers {
    async fn challenge(
        &self,
        request: Request<ChallengeRequest>,
    ) -> Result<Response<ChallengeReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        call.reply(make_challenge(&call, message).await)
    }

    async fn open_session(
        &self,
        request: Request<OpenSessionRequest>,
    ) -> Result<Response<OpenSessionReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        call.reply(log_in(&call, message).await)
    }

    async fn lease(&self, request: Request<LeaseRequest>) -> Result<Response<LeaseReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        let answer = async { lease(&call, call.worker()?, message).await };
        call.reply(answer.await)
    }

    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        let answer = async { beat(&call, call.worker()?, message).await };
        call.reply(answer.await)
    }

    async fn submit_results(
        &self,
        request: Request<SubmitResultsRequest>,
    ) -> Result<Response<SubmitResultsReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        let answer = async { submit(&call, call.worker()?, message).await };
        call.reply(answer.await)
    }

    async fn release(
        &self,
        request: Request<ReleaseRequest>,
    ) -> Result<Response<ReleaseReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        let answer = async { release(&call, call.worker()?, message).await };
        call.reply(answer.await)
    }

    async fn fail(&self, request: Request<FailRequest>) -> Result<Response<FailReply>, Status> {
        let (call, message) = Call::open(&self.0, request);
        let answer = async { give_back(&call, call.worker()?, message).await };
        call.reply(answer.await)
    }

    type SessionStream = BoxStream<'static, Result<SessionReply, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (call, messages) = Call::open(&self.0, request);
        let admitted = call.worker();
        call.reply(admitted.map(|_worker| session::answers(call.clone(), messages)))
    }
}

async fn make_challenge(
    call: &Call,
    message: ChallengeRequest,
) -> Result<ChallengeReply, ApiError> {
    Ok(challenge::run(&call.app, message.try_into()?).await?.into())
}

async fn log_in(call: &Call, message: OpenSessionRequest) -> Result<OpenSessionReply, ApiError> {
    Ok(login::run(&call.app, message.try_into()?).await?.into())
}

/// Grants jobs, waiting no longer than the call may.
pub(super) async fn lease(
    call: &Call,
    worker: Worker,
    mut message: LeaseRequest,
) -> Result<LeaseReply, ApiError> {
    message.wait_ms = call.wait_ms(message.wait_ms);
    Ok(take::run(&call.app, worker, message.try_into()?).await?.into())
}

/// Extends leases.
pub(super) async fn beat(
    call: &Call,
    worker: Worker,
    message: HeartbeatRequest,
) -> Result<HeartbeatReply, ApiError> {
    Ok(heartbeat::run(&call.app, worker, message.try_into()?).await?.into())
}

/// Stores results.
pub(super) async fn submit(
    call: &Call,
    worker: Worker,
    message: SubmitResultsRequest,
) -> Result<SubmitResultsReply, ApiError> {
    Ok(results::submit::run(&call.app, worker, message.try_into()?).await?.into())
}

/// Takes unfinished leases back.
pub(super) async fn release(
    call: &Call,
    worker: Worker,
    message: ReleaseRequest,
) -> Result<ReleaseReply, ApiError> {
    Ok(leases::release::run(&call.app, worker, message.try_into()?).await?.into())
}

/// Takes a failed job back.
pub(super) async fn give_back(
    call: &Call,
    worker: Worker,
    message: FailRequest,
) -> Result<FailReply, ApiError> {
    Ok(fail::run(&call.app, worker, message.try_into()?).await?.into())
}
