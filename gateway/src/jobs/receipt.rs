//! Gives the requester the receipt of its job, with its path into the statement that settles it.

use std::sync::Arc;

use axum::extract::State;
use ciro_api::{
    JobId, Problem, StatementId,
    hash::receipts::{self, Receipt},
    rest::evidence::{JobReceipt, ReceiptProof, StatementHead},
};
use ciro_paymaster::{ledger, statements};

use super::{attestation::no_result, show};
use crate::{app::App, auth::Device, extract::PathParam, problem::ApiError, reply::Reply};

/// The receipt of a job that succeeded: where its money stands and, once its statement was closed, the path that shows
/// that it is in it.
#[utoipa::path(get, operation_id = "get_receipt", path = "/v1/jobs/{id}/receipt", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path, description = "The job")), responses(
    (status = 200, body = JobReceipt, description = "The receipt"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No good token"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such job of yours, or it has no result"),
))]
pub(crate) async fn receipt(
    State(app): State<Arc<App>>,
    device: Device,
    PathParam(id): PathParam<JobId>,
) -> Result<Reply<JobReceipt>, ApiError> {
    let job = show::job(&app, device.id, id).await?;
    let settlement = job.settlement.ok_or_else(|| no_result(id, job.status.as_str()))?;
    let client = app.pg.get().await?;
    let found = ledger::receipt_of(&**client, id).await.map_err(|e| ApiError::from_store(&e))?;
    drop(client);
    let (receipt, index) = found.ok_or_else(|| no_result(id, job.status.as_str()))?;
    let proof = match settlement.statement.zip(index) {
        Some((statement, index)) => prove(&app, statement, index).await?,
        None => None,
    };
    Ok(Reply(JobReceipt { receipt, settlement, chain_id: app.chain_id, proof }))
}

async fn prove(
    app: &App,
    statement: StatementId,
    index: u64,
) -> Result<Option<ReceiptProof>, ApiError> {
    let client = app.pg.get().await?;
    let found =
        statements::get(&**client, statement).await.map_err(|e| ApiError::from_store(&e))?;
    drop(client);
    let Some(document) = found else {
        return Ok(None);
    };
    let place = usize::try_from(index).unwrap_or(usize::MAX);
    let head = StatementHead::from(&document);
    // A thousand receipts are tens of milliseconds of hashing, which would hold up everyone else on this thread.
    let hashing = tokio::task::spawn_blocking(move || {
        let receipts: Vec<Receipt> = document.receipts.iter().map(Receipt::from).collect();
        receipts::path(&receipts, place)
    });
    let path = hashing.await.map_err(|e| ApiError::internal("hashing receipts", &e))?;
    let path = path.map_err(|e| ApiError::internal("proving a receipt", &e))?;
    Ok(Some(ReceiptProof { statement: head, index, path }))
}
