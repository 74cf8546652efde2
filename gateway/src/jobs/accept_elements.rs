//! Accepts the elements of one tensor, a job each, in one transaction. If one cannot be accepted, the caller is told of it;
//! those beside it stay accepted, as in a batch.

use std::sync::Arc;

use axum::http::HeaderMap;
use ciro_api::{
    JobId, limits,
    rest::{
        Base64,
        jobs::{CreateJob, JobInput},
    },
};
use sha2::{Digest, Sha256};

use super::{
    batch,
    submit::{self, Accepted},
};
use crate::{app::App, auth::Device, models::Model, problem::ApiError};

/// The jobs, in order. With an `Idempotency-Key`, element `n` has the key `<key>.<n>`.
pub(crate) async fn accept(
    app: &Arc<App>,
    device: Device,
    model: &Arc<Model>,
    headers: &HeaderMap,
    elements: Vec<Vec<u8>>,
) -> Result<Vec<JobId>, ApiError> {
    let key = submit::idempotency_key(headers)?;
    let mut accepted: Vec<Accepted> = Vec::with_capacity(elements.len());
    for (index, element) in elements.into_iter().enumerate() {
        let idempotency = match &key {
            Some(key) => {
                let own = format!("{key}.{index}");
                let own = submit::usable_key(Some(&own), "header/Idempotency-Key")?;
                Some((own, fingerprint(model, &element)))
            }
            None => None,
        };
        let job = CreateJob {
            model: model.manifest.name.clone(),
            input: JobInput::Data(Base64(element)),
            // Nobody asks for it much later: what has not begun within this wait and another one costs nothing.
            start_within_ms: Some(2 * limits::WAIT_MS_MAX),
            run_within_ms: None,
            delay_ms: None,
            priority: None,
            webhook: None,
        };
        accepted.push(submit::check(app, Arc::clone(model), device, job, idempotency)?);
    }
    // A task of its own: a client that hangs up must not cancel an accept half-way.
    let accepting = tokio::spawn(batch::accept(Arc::clone(app), accepted));
    let stored = accepting.await.map_err(|e| ApiError::internal("accepting jobs", &e))??;
    stored.into_iter().map(|outcome| outcome.map(|job| job.id)).collect()
}

fn fingerprint(model: &Model, element: &[u8]) -> Vec<u8> {
    Sha256::new_with_prefix(model.id.to_string()).chain_update(element).finalize().to_vec()
}
