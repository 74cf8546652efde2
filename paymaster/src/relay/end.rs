//! Ends operations: what they did cost is captured from the sponsor, what was kept back for them is freed.

use ciro_api::{Address, Fri, JobId, OperationId, SponsorId, TxHash, felt::Digest};
use deadpool_postgres::Transaction;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::relayer::RelayError;
use crate::{
    ledger::{self, Earned},
    observe, policy,
};

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It happened.
    Succeeded {
        /// Its part of the fee.
        cost: Fri,
        /// What has carried it.
        hash: TxHash,
    },
    /// It was undone on chain, and its gas was paid all the same.
    Failed {
        /// The account's word for it.
        reason: String,
        /// Its part of the fee.
        cost: Fri,
        /// What has carried it.
        hash: TxHash,
    },
    /// It was never sent.
    Dropped {
        /// Why.
        reason: String,
    },
}

/// Longest reason that is kept. A chain's stack trace says at its end what went wrong.
const REASON_CHARS_MAX: usize = 400;

pub(super) fn in_short(reason: &str) -> String {
    let over = reason.chars().count().saturating_sub(REASON_CHARS_MAX);
    if over == 0 {
        reason.to_owned()
    } else {
        format!("…{}", reason.chars().skip(over + 1).collect::<String>())
    }
}

/// Ends one. Ending it again changes nothing. What its sponsor owes becomes a receipt of `payee`, which names the transaction
/// where those of jobs name the attestation; without a payee it stays held.
pub(super) async fn end(
    tx: &Transaction<'_>,
    id: OperationId,
    how: &End,
    payee: Option<Address>,
) -> Result<(), RelayError> {
    let (state, reason, spent) = match how {
        End::Succeeded { cost, hash } => ("succeeded", None, Some((*cost, *hash))),
        End::Failed { reason, cost, hash } => ("failed", Some(reason), Some((*cost, *hash))),
        End::Dropped { reason } => ("dropped", Some(reason), None),
    };
    let reason = reason.map(|text| in_short(text));
    let cost = spent.map(|(cost, _)| cost.to_string());
    let rows = tx
        .query_typed(
            include_str!("end.sql"),
            &[
                (&id.0, Type::UUID),
                (&state, Type::TEXT),
                (&reason, Type::TEXT),
                (&cost, Type::TEXT),
            ],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(()) };
    if let Some(sponsor) = row.try_get::<_, Option<Uuid>>("sponsor_id")? {
        settle(tx, id, SponsorId(sponsor), spent, payee).await?;
    }
    observe::ended(state);
    tracing::info!(operation = %id, state, reason, cost, "ended");
    Ok(())
}

async fn settle(
    tx: &Transaction<'_>,
    id: OperationId,
    sponsor: SponsorId,
    spent: Option<(Fri, TxHash)>,
    payee: Option<Address>,
) -> Result<(), RelayError> {
    let Some((cost, hash)) = spent.filter(|(cost, _)| *cost > Fri::ZERO) else {
        return Ok(policy::release(tx, id).await?);
    };
    let amount = policy::capture(tx, id, cost).await?;
    if let Some(worker) = payee {
        let job = JobId(id.0);
        let earned = Earned { job, sponsor, worker, attestation: Digest(hash.0), amount };
        ledger::earn(tx, &[earned]).await?;
    }
    Ok(())
}

/// The part of `fee` that falls to whoever took `part` of `whole` units of gas, rounded down.
pub(super) fn share(fee: Fri, part: u64, whole: u64) -> Fri {
    if whole == 0 {
        return Fri::ZERO;
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    // Exact without wider numbers: the whole multiples first, then what is left over.
    let multiples = fee.0 / whole;
    let left = fee.0 % whole;
    Fri(multiples.saturating_mul(part).saturating_add(left.saturating_mul(part) / whole))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_long_reason_the_end_is_kept() {
        assert_eq!(in_short("short"), "short");
        let long = format!("{}the end", "x".repeat(500));
        let kept = in_short(&long);
        assert!(kept.starts_with('…') && kept.ends_with("the end"));
        assert_eq!(kept.chars().count(), REASON_CHARS_MAX);
    }

    proptest! {
        #[test]
        fn the_shares_of_a_fee_never_exceed_it_and_lose_less_than_a_fri_each(
            fee in 0..1_u128 << 100, parts in prop::collection::vec(1..1_u64 << 40, 1..200),
        ) {
            let whole = parts.iter().sum();
            let shares: u128 = parts.iter().map(|part| share(Fri(fee), *part, whole).0).sum();
            prop_assert!(shares <= fee);
            prop_assert!(fee - shares < u128::try_from(parts.len()).unwrap());
        }
    }
}
