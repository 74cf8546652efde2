//! Turns a hold into a worker's receipt: the job's result was accepted.

use ciro_api::{Address, Fri, JobId, SponsorId, felt::Digest};
use tokio_postgres::{Transaction, types::Type};

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
}

/// Writes the receipt; the money stays held until the chain has settled it.
pub async fn earn(tx: &Transaction<'_>, earned: &Earned) -> Result<(), EarnError> {
    let Earned { job, sponsor, worker, attestation, amount } = *earned;
    let (address, attestation, money) =
        (worker.to_string(), attestation.to_string(), amount.to_string());
    let written = tx
        .query_typed_one(
            include_str!("earn.sql"),
            &[
                (&job.0, Type::UUID),
                (&sponsor.0, Type::UUID),
                (&address, Type::TEXT),
                (&attestation, Type::TEXT),
                (&money, Type::TEXT),
            ],
        )
        .await?;
    if written.try_get::<_, bool>("slashed")? {
        Err(EarnError::WorkerSlashed(worker))
    } else if written.try_get::<_, i64>("written")? == 1 {
        Ok(())
    } else {
        Err(EarnError::NotHeld { job, sponsor, amount })
    }
}
