//! Grants leases: the compare-and-set that raises the epoch of each job, for all who ask at the same moment.

use std::{collections::HashMap, sync::Arc};

use ciro_api::{
    Address, JobId, LeaseId, PoolName, Trace, limits,
    rest::{
        Base64,
        leases::{Lease, LeaseRef},
    },
};
use deadpool_postgres::GenericClient;
use tokio_postgres::{Row, types};
use uuid::Uuid;

use crate::{
    app::App,
    database::{self, DatabaseError, read, read_fri},
    observe,
    problem::ApiError,
    together::{Line, Shared},
};

/// Jobs that a lease is to have, as far as they are still queued.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(super) worker: Address,
    pub(super) lease: LeaseId,
    pub(super) pool: PoolName,
    pub(super) jobs: Vec<JobId>,
}

impl Shared for Grant {
    type Done = Vec<Lease>;
    /// The same request twice: the second is given what the first was.
    type Key = (LeaseId, PoolName);
    const WHAT: &'static str = "granting leases";
    const WAITING_MAX: usize = limits::GRANT_LINE_MAX;
    const ROWS_MAX: usize = limits::GRANT_TOGETHER_MAX;
    const WRITERS: usize = 1;

    fn line(app: &App) -> &Line<Self> {
        &app.grants
    }

    fn key(&self) -> Option<Self::Key> {
        Some((self.lease, self.pool.clone()))
    }

    fn rows(&self) -> usize {
        self.jobs.len()
    }

    async fn write(
        app: Arc<App>,
        some: Vec<Self>,
    ) -> Result<Vec<Result<Vec<Lease>, ApiError>>, ApiError> {
        let client = app.pg.get().await?;
        Ok(grant_all(&app, &client, &some).await?.into_iter().map(Ok).collect())
    }
}

/// Grants what can be granted, or was before under the same lease; what each has, in order.
pub(super) async fn grant_all(
    app: &App,
    client: &impl GenericClient,
    grants: &[Grant],
) -> Result<Vec<Vec<Lease>>, ApiError> {
    let lines = || grants.iter().flat_map(|grant| grant.jobs.iter().map(move |job| (job, grant)));
    let jobs: Vec<Uuid> = lines().map(|(job, _)| job.0).collect();
    let leases: Vec<Uuid> = lines().map(|(_, grant)| grant.lease.0).collect();
    let workers: Vec<String> = lines().map(|(_, grant)| grant.worker.to_string()).collect();
    let ttl_ms = i64::try_from(limits::LEASE_TTL_MS).unwrap_or(i64::MAX);
    let rows =
        database::query(client, include_str!("grant.sql"), &[&jobs, &leases, &workers, &ttl_ms])
            .await?;
    let mut granted: HashMap<(Uuid, Uuid), &Row> = HashMap::with_capacity(rows.len());
    for row in &rows {
        granted.insert((row.try_get("job_id")?, row.try_get("lease_id")?), row);
    }
    let mut given = |grant: &Grant| -> Result<Vec<Lease>, ApiError> {
        let rows: Vec<&Row> =
            grant.jobs.iter().filter_map(|job| granted.remove(&(job.0, grant.lease.0))).collect();
        let leases: Vec<Lease> =
            rows.iter().map(|row| read_lease(row, grant)).collect::<Result<_, _>>()?;
        for (row, lease) in rows.iter().zip(&leases) {
            observe::granted(app.catalogue.name(lease.model), row.try_get("waited_ms")?);
        }
        Ok(leases)
    };
    grants.iter().map(&mut given).collect()
}

fn read_lease(row: &Row, grant: &Grant) -> Result<Lease, DatabaseError> {
    let unsigned = |column: &'static str| -> Result<u64, DatabaseError> {
        let value: i64 = row.try_get(column)?;
        u64::try_from(value)
            .map_err(|_| DatabaseError::Corrupt { column, value: value.to_string() })
    };
    let job = JobId(row.try_get("job_id")?);
    Ok(Lease {
        fence: LeaseRef { job, epoch: unsigned("epoch")?, lease: grant.lease },
        model: read(row, "model_id")?,
        input: Base64(row.try_get("input")?),
        price_fri: read_fri(row, "price_fri")?,
        ttl_ms: limits::LEASE_TTL_MS,
        run_within_ms: unsigned("run_within_ms")?,
        trace: row.try_get::<_, Option<types::Json<Trace>>>("trace")?.map(|json| json.0),
    })
}
