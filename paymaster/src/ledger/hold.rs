//! Sets money aside for jobs, as far as their sponsors have it.

use std::collections::{BTreeSet, HashMap};

use ciro_api::{ErrorCode, Fri, JobId, SponsorId};
use deadpool_postgres::Transaction;
use tokio_postgres::types::Type;
use uuid::Uuid;

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

/// Money that is wanted for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedHold {
    /// The job.
    pub job: JobId,
    /// Who pays.
    pub sponsor: SponsorId,
    /// What it costs.
    pub amount: Fri,
}

/// What one sponsor can still give.
struct Purse {
    ceiling: Fri,
    free: Fri,
}

/// Holds for each in turn: what does not fit is left out, and a cheaper one behind it may still fit. The outcomes are in
/// the order of `wanted`.
///
/// The sponsors stay locked until the caller's transaction ends. A second hold for the same job is a database error and
/// aborts that transaction.
pub async fn hold(
    tx: &Transaction<'_>,
    wanted: &[WantedHold],
) -> Result<Vec<Result<(), HoldError>>, HoldError> {
    let mut purses = open(tx, wanted).await?;
    let mut placed = Vec::with_capacity(wanted.len());
    let mut outcomes = Vec::with_capacity(wanted.len());
    for want in wanted {
        let outcome = match purses.get_mut(&want.sponsor) {
            None => Err(HoldError::UnknownSponsor(want.sponsor)),
            Some(purse) => purse.take(want.amount),
        };
        if outcome.is_ok() {
            placed.push(want);
        }
        outcomes.push(outcome);
    }
    if !placed.is_empty() {
        place(tx, &placed).await?;
    }
    Ok(outcomes)
}

impl Purse {
    fn take(&mut self, amount: Fri) -> Result<(), HoldError> {
        let Self { ceiling, free } = *self;
        if amount > ceiling {
            return Err(HoldError::OverCeiling { price: amount, ceiling });
        }
        self.free =
            free.checked_sub(amount).ok_or(HoldError::OutOfBudget { needed: amount, free })?;
        Ok(())
    }
}

async fn open(
    tx: &Transaction<'_>,
    wanted: &[WantedHold],
) -> Result<HashMap<SponsorId, Purse>, HoldError> {
    let sponsors: Vec<Uuid> =
        wanted.iter().map(|want| want.sponsor.0).collect::<BTreeSet<_>>().into_iter().collect();
    let statement = tx.prepare_cached(include_str!("budget.sql")).await?;
    let rows = tx.query(&statement, &[&sponsors]).await?;
    let mut purses = HashMap::with_capacity(sponsors.len());
    for row in &rows {
        let purse = Purse { ceiling: word(row, "ceiling")?, free: word(row, "free")? };
        purses.insert(SponsorId(row.try_get("sponsor_id")?), purse);
    }
    for id in sponsors.into_iter().map(SponsorId) {
        // Nothing on chain that could be locked, so nothing to spend; or no such sponsor.
        if !purses.contains_key(&id)
            && let Some(row) =
                tx.query_typed_opt(include_str!("ceiling.sql"), &[(&id.0, Type::UUID)]).await?
        {
            purses.insert(id, Purse { ceiling: word(&row, "ceiling")?, free: Fri::ZERO });
        }
    }
    Ok(purses)
}

async fn place(tx: &Transaction<'_>, placed: &[&WantedHold]) -> Result<(), HoldError> {
    let jobs: Vec<Uuid> = placed.iter().map(|want| want.job.0).collect();
    let sponsors: Vec<Uuid> = placed.iter().map(|want| want.sponsor.0).collect();
    let amounts: Vec<String> = placed.iter().map(|want| want.amount.to_string()).collect();
    let statement = tx.prepare_cached(include_str!("hold.sql")).await?;
    tx.execute(&statement, &[&jobs, &sponsors, &amounts]).await?;
    Ok(())
}
