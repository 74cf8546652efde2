//! Sets money aside for a job, if the sponsor has it.

use ciro_api::{ErrorCode, Fri, JobId, SponsorId};
use tokio_postgres::{Transaction, types::Type};

use crate::{Corrupt, database::word};

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
    let text = amount.to_string();
    let placed = tx
        .query_typed_one(
            include_str!("hold.sql"),
            &[(&job.0, Type::UUID), (&sponsor.0, Type::UUID), (&text, Type::TEXT)],
        )
        .await?;
    if placed.get::<_, i64>(0) == 1 { Ok(()) } else { Err(explain(tx, sponsor, amount).await?) }
}

async fn explain(
    tx: &Transaction<'_>,
    sponsor: SponsorId,
    amount: Fri,
) -> Result<HoldError, HoldError> {
    let (ceiling, free) = ceiling_and_free(tx, sponsor).await?;
    Ok(if amount > ceiling {
        HoldError::OverCeiling { price: amount, ceiling }
    } else {
        HoldError::OutOfBudget { needed: amount, free }
    })
}

/// What the sponsor pays at most for one job, and what is free of its budget, without a lock.
pub(super) async fn ceiling_and_free(
    tx: &Transaction<'_>,
    sponsor: SponsorId,
) -> Result<(Fri, Fri), HoldError> {
    let row = tx
        .query_typed_opt(include_str!("explain_refusal.sql"), &[(&sponsor.0, Type::UUID)])
        .await?
        .ok_or(HoldError::UnknownSponsor(sponsor))?;
    Ok((word(&row, "ceiling")?, word(&row, "free")?))
}
