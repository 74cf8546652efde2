//! Reads a job as its requester sees it.

use ciro_api::{
    Commitment, DeviceId, ErrorCode, JobId, JobStatus, Signature,
    felt::{Digest, Felt},
    rest::{
        Base64,
        jobs::{Evidence, Job, JobFailure, JobOutput, Timings},
    },
};
use ciro_paymaster::ledger;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{
    app::App,
    database::{self, DatabaseError, read},
    models::{self, Model},
    problem::ApiError,
};

/// Longest binary output that is also shown in hex.
const HEX_BYTES_MAX: usize = 64;

/// The job, if it is this device's. Someone else's does not exist.
pub(crate) async fn job(app: &App, device: DeviceId, id: JobId) -> Result<Job, ApiError> {
    let client = app.pg.get().await?;
    let row = database::query_opt(&client, include_str!("show.sql"), &[&id.0, &device.0]).await?;
    let row = row.ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("there is no job {id} of this device"))
    })?;
    let settlement = match status(&row)? {
        JobStatus::Succeeded => {
            ledger::settlement_of(&**client, id).await.map_err(|e| ApiError::from_store(&e))?
        }
        _ => None,
    };
    let model = models::stored(app, read(&row, "model_id")?).await?;
    let mut job = assemble(app, &row, &model, id)?;
    job.settlement = settlement;
    Ok(job)
}

/// Where the job of a row stands: `status` once it ended, else `state`.
pub(super) fn status(row: &Row) -> Result<JobStatus, DatabaseError> {
    if row.try_get::<_, Option<String>>("status")?.is_some() {
        return read(row, "status");
    }
    let state: String = row.try_get("state")?;
    Ok(if state == "leased" { JobStatus::Running } else { JobStatus::Queued })
}

fn assemble(app: &App, row: &Row, model: &Model, id: JobId) -> Result<Job, DatabaseError> {
    let status = status(row)?;
    let succeeded = status == JobStatus::Succeeded;
    let failure = match row.try_get::<_, Option<String>>("reason")? {
        Some(reason) => {
            let detail: Option<String> = row.try_get("detail")?;
            Some(JobFailure { reason, detail: detail.unwrap_or_default() })
        }
        None => None,
    };
    Ok(Job {
        id,
        status,
        model: model.manifest.name.clone(),
        model_id: model.id,
        level: model.manifest.level,
        created_at: row.try_get("created_at")?,
        output: if succeeded { Some(output(row, model)?) } else { None },
        evidence: if succeeded { Some(evidence(app, row, model)?) } else { None },
        failure,
        settlement: None,
        timings: if status.is_final() { Some(timings(row)?) } else { None },
    })
}

fn output(row: &Row, model: &Model) -> Result<JobOutput, DatabaseError> {
    let bytes: Vec<u8> = row.try_get("output")?;
    let media_type = model.manifest.output.media_type.clone();
    let is_json = media_type == "application/json";
    Ok(JobOutput {
        json: if is_json { serde_json::from_slice(&bytes).ok() } else { None },
        hex: (!is_json && bytes.len() <= HEX_BYTES_MAX).then(|| hex::encode(&bytes)),
        data: Base64(bytes),
        media_type,
    })
}

fn evidence(app: &App, row: &Row, model: &Model) -> Result<Evidence, DatabaseError> {
    let unsigned = |column: &'static str, value: i64| {
        u64::try_from(value)
            .map_err(|_| DatabaseError::Corrupt { column, value: value.to_string() })
    };
    let felts = |column: &'static str| -> Result<Vec<Digest>, DatabaseError> {
        let bytes: Vec<u8> = row.try_get(column)?;
        Ok(bytes.chunks(32).map(|word| Digest(Felt::from_bytes_be_slice(word))).collect())
    };
    let signature = felts("signature")?;
    let [r, s] = signature[..] else {
        return Err(DatabaseError::Corrupt {
            column: "signature",
            value: format!("{} words", signature.len()),
        });
    };
    Ok(Evidence {
        epoch: unsigned("epoch", row.try_get("epoch")?)?,
        model: model.id,
        scheme: model.manifest.scheme,
        input: read::<Commitment>(row, "input_commitment")?,
        output: read::<Commitment>(row, "output_commitment")?,
        contract: app.job_manager,
        worker: read(row, "worker")?,
        index: unsigned("leaf_index", row.try_get::<_, i32>("leaf_index")?.into())?,
        count: unsigned("leaf_count", row.try_get::<_, i32>("leaf_count")?.into())?,
        path: felts("path")?,
        signature: Signature { r, s },
        public_key: read(row, "public_key")?,
    })
}

fn timings(row: &Row) -> Result<Timings, DatabaseError> {
    let accepted: OffsetDateTime = row.try_get("created_at")?;
    let leased: Option<OffsetDateTime> = row.try_get("leased_at")?;
    let finished: OffsetDateTime = row.try_get("finished_at")?;
    let ms = |from: OffsetDateTime, to: OffsetDateTime| {
        u64::try_from((to - from).whole_milliseconds()).unwrap_or(0)
    };
    let leased = leased.unwrap_or(finished);
    Ok(Timings {
        queue_ms: ms(accepted, leased),
        run_ms: ms(leased, finished),
        total_ms: ms(accepted, finished),
    })
}
