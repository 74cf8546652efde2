//! Where the money of jobs stands, for whoever asked for them.

use std::collections::HashMap;

use ciro_api::{JobId, StatementId, rest::jobs::Settlement};
use tokio_postgres::{GenericClient, Row, types::Type};
use uuid::Uuid;

use crate::{
    StoreError,
    database::{word, word_or_null},
};

/// Where the money of `job` stands; nothing unless it succeeded.
pub async fn settlement_of(
    client: &(impl GenericClient + Sync),
    job: JobId,
) -> Result<Option<Settlement>, StoreError> {
    Ok(settlements_of(client, &[job]).await?.remove(&job))
}

/// The same for many jobs; those that did not succeed are left out.
pub async fn settlements_of(
    client: &(impl GenericClient + Sync),
    jobs: &[JobId],
) -> Result<HashMap<JobId, Settlement>, StoreError> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    let rows =
        client.query_typed(include_str!("settlements_of.sql"), &[(&ids, Type::UUID_ARRAY)]).await?;
    rows.iter().map(|row| Ok((JobId(row.try_get("job_id")?), read(row)?))).collect()
}

fn read(row: &Row) -> Result<Settlement, StoreError> {
    Ok(Settlement {
        status: word(row, "status")?,
        amount_fri: word(row, "amount")?,
        statement: row.try_get::<_, Option<Uuid>>("statement_id")?.map(StatementId),
        tx_hash: word_or_null(row, "tx_hash")?,
    })
}
