//! gRPC beside REST: the same use cases on the same port. What is here only reads messages and writes answers.

mod call;
mod edge;
pub(crate) mod health;
mod jobs;
mod session;
mod status;
mod watch;
mod workers;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use ciro_api::{
    grpc::{
        DESCRIPTORS,
        v1::{job_service_server::JobServiceServer, worker_service_server::WorkerServiceServer},
    },
    limits,
};
use tonic::service::Routes;
use tonic_health::{pb::health_server::HealthServer, server::HealthService};
use tonic_reflection::server::{Builder, Error};
use tower::ServiceExt;

use self::{jobs::Jobs, workers::Workers};
use crate::app::App;

/// All services; whatever else is called is unimplemented.
pub(crate) fn router(app: &Arc<App>) -> Result<Router, Error> {
    let jobs = JobServiceServer::new(Jobs(Arc::clone(app)))
        .max_decoding_message_size(limits::JOB_MESSAGE_BYTES_MAX);
    let workers = WorkerServiceServer::new(Workers(Arc::clone(app)))
        .max_decoding_message_size(limits::WORKER_MESSAGE_BYTES_MAX);
    let health = HealthServer::new(HealthService::from_health_reporter(app.health.clone()));
    let reflection = Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let routes = Routes::new(jobs).add_service(workers).add_service(health).add_service(reflection);
    Ok(routes.prepare().into_axum_router().layer(middleware::from_fn(edge::guard)))
}

/// Sends gRPC calls to their own router, before anything that answers in HTTP's terms.
pub(crate) async fn divert(State(grpc): State<Router>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if given != b"application/grpc" && given != b"application/grpc+proto" {
        return next.run(request).await;
    }
    match grpc.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
