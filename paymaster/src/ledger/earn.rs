//! Turns a hold into a worker's receipt: the job's result was accepted.

use std::collections::HashSet;

use ciro_api::{Address, Fri, JobId, SponsorId, felt::Digest};
use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::{Corrupt, database::word};

/// An accepted result and what it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    /// The job.
    pub job: JobId,
    /// Who pays.
    pub sponsor: SponsorId,
    /// Who is paid.
    pub worker: Address,
    /// Struct hash of the accepted attestation.
    pub attestation: Digest,
    /// What was held for it.
    pub amount: Fri,
}

/// A receipt that was not written. The caller must not commit the result either.
#[derive(Debug, thiserror::Error)]
pub enum EarnError {
    /// The job has no pending hold of this sponsor and amount: it is earned already, voided, or another's.
    #[error("job {job} has no pending hold of {amount} fri by {sponsor} to earn")]
    NotHeld {
        /// The job.
        job: JobId,
        /// Who should have held.
        sponsor: SponsorId,
        /// How much.
        amount: Fri,
    },
    /// Fraud was shown against the worker: nothing is paid to it any more.
    #[error("worker {0} was slashed and earns nothing more")]
    WorkerSlashed(Address),
    /// The database did not answer or refused.
    #[error("could not write the receipt")]
    Database(#[from] tokio_postgres::Error),
    /// It holds something impossible.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Writes receipts, all or none; the money stays held until the chain has settled it.
///
/// The error names the first that could not be written, and then the caller's transaction must not be committed. No job
/// may be named twice.
pub async fn earn(tx: &Transaction<'_>, earned: &[Earned]) -> Result<(), EarnError> {
    let jobs: Vec<Uuid> = earned.iter().map(|one| one.job.0).collect();
    let sponsors: Vec<Uuid> = earned.iter().map(|one| one.sponsor.0).collect();
    let workers: Vec<String> = earned.iter().map(|one| one.worker.to_string()).collect();
    let attestations: Vec<String> = earned.iter().map(|one| one.attestation.to_string()).collect();
    let amounts: Vec<String> = earned.iter().map(|one| one.amount.to_string()).collect();
    let statement = tx.prepare_cached(include_str!("earn.sql")).await?;
    let rows = tx.query(&statement, &[&jobs, &sponsors, &workers, &attestations, &amounts]).await?;
    let mut written = HashSet::with_capacity(rows.len());
    for row in &rows {
        if row.try_get("slashed")? {
            return Err(EarnError::WorkerSlashed(word(row, "worker")?));
        }
        if row.try_get("written")? {
            written.insert(JobId(row.try_get("job_id")?));
        }
    }
    match earned.iter().find(|one| !written.contains(&one.job)) {
        None => Ok(()),
        Some(Earned { job, sponsor, amount, .. }) => {
            Err(EarnError::NotHeld { job: *job, sponsor: *sponsor, amount: *amount })
        }
    }
}
