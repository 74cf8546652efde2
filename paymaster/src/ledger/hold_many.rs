//! Sets money aside for many jobs of one sponsor at once, as far as the sponsor has it.

use ciro_api::{Fri, JobId, SponsorId};
use tokio_postgres::{Transaction, types::Type};
use uuid::Uuid;

use super::HoldError;
use crate::database::word;

/// Holds for each job in turn what it costs, as [`super::hold`] would one after the other: what does not fit is left
/// out and a cheaper one behind it may still fit. The outcomes are in the order of `jobs`.
///
/// The sponsor stays locked until the caller's transaction ends.
pub async fn hold_many(
    tx: &Transaction<'_>,
    sponsor: SponsorId,
    jobs: &[(JobId, Fri)],
) -> Result<Vec<Result<(), HoldError>>, HoldError> {
    let budget =
        tx.query_typed_opt(include_str!("budget.sql"), &[(&sponsor.0, Type::UUID)]).await?;
    let (ceiling, mut free) = match &budget {
        Some(row) => (word(row, "ceiling")?, word(row, "free")?),
        // Nothing on chain that could be locked, so nothing to spend; or no such sponsor.
        None => (super::hold::ceiling_and_free(tx, sponsor).await?.0, Fri::ZERO),
    };
    let (mut ids, mut amounts, mut sum) = (Vec::new(), Vec::new(), Fri::ZERO);
    let mut outcomes = Vec::with_capacity(jobs.len());
    for (job, amount) in jobs {
        let left = free.checked_sub(*amount).zip(sum.checked_add(*amount));
        outcomes.push(match left {
            _ if *amount > ceiling => Err(HoldError::OverCeiling { price: *amount, ceiling }),
            None => Err(HoldError::OutOfBudget { needed: *amount, free }),
            Some((rest, held)) => {
                (free, sum) = (rest, held);
                ids.push(job.0);
                amounts.push(amount.to_string());
                Ok(())
            }
        });
    }
    if !ids.is_empty() {
        place(tx, sponsor, &ids, &amounts, sum).await?;
    }
    Ok(outcomes)
}

async fn place(
    tx: &Transaction<'_>,
    sponsor: SponsorId,
    ids: &[Uuid],
    amounts: &[String],
    sum: Fri,
) -> Result<(), HoldError> {
    let total = sum.to_string();
    tx.query_typed(
        include_str!("hold_many.sql"),
        &[
            (&sponsor.0, Type::UUID),
            (&ids, Type::UUID_ARRAY),
            (&amounts, Type::TEXT_ARRAY),
            (&total, Type::TEXT),
        ],
    )
    .await?;
    Ok(())
}
