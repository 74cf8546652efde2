//! Sets money aside for a job, if the sponsor has it.

use ciro_api::{ErrorCode, Fri, JobId, SponsorId};
use tokio_postgres::Transaction;

use crate::Corrupt;

/// A hold that was not placed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// No such sponsor.
    #[error("there is no sponsor {0}")]
    UnknownSponsor(SponsorId),
    /// The job costs more than the sponsor pays for one.
    #[error("the job costs {price} fri and the sponsor pays at most {ceiling} fri for one")]
    OverCeiling {
        /// What the job costs.
        price: Fri,
        /// What the sponsor pays at most.
        ceiling: Fri,
    },
    /// The job costs more than is free.
    #[error("the job needs {needed} fri and the sponsor's free budget is {free} fri")]
    OutOfBudget {
        /// What the job costs.
        needed: Fri,
        /// What is neither held nor spent, of what the chain can pay.
        free: Fri,
    },
    /// The database did not answer or refused.
    #[error("could not place the hold")]
    Database(#[from] tokio_postgres::Error),
    /// It holds something impossible.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

impl HoldError {
    /// What a requester is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::OverCeiling { .. } => ErrorCode::PriceOverCeiling,
            Self::OutOfBudget { .. } => ErrorCode::SponsorOutOfBudget,
            Self::UnknownSponsor(_) => ErrorCode::Forbidden,
            Self::Database(_) => ErrorCode::Unavailable,
            Self::Corrupt(_) => ErrorCode::Internal,
        }
    }
}

/// Holds `amount` of the sponsor's budget for `job`.
///
/// A second hold for the same job is a database error and aborts the caller's transaction.
pub async fn hold(
    tx: &Transaction<'_>,
    job: JobId,
    sponsor: SponsorId,
    amount: Fri,
) -> Result<(), HoldError> {
    let mut outcomes = super::hold_many(tx, &[super::WantedHold { job, sponsor, amount }]).await?;
    outcomes.pop().unwrap_or(Err(HoldError::UnknownSponsor(sponsor)))
}
