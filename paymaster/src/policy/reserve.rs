//! Reserves what an operation may cost, of the sponsor's money and of every limit of the rule that allows it.

use ciro_api::{Fri, JobId, OperationId, SponsorId};
use deadpool_postgres::Transaction;
use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::types::Json;

use super::{
    document::{Limit, Measure, Per, Rule},
    names::RuleId,
    operation::Operation,
};
use crate::ledger::{self, HoldError, WantedHold};

/// What is to be reserved.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// For which operation. Its hold has the same id.
    pub id: OperationId,
    /// Who pays.
    pub sponsor: SponsorId,
    /// By which revision of its policy.
    pub revision: i32,
    /// And which rule of it.
    pub rule: &'a Rule,
    /// What the decision was made on; its `fee` is the most that it may cost.
    pub operation: &'a Operation<'a>,
}

/// An operation that is not paid for. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The sponsor has not so much.
    #[error(transparent)]
    Money(#[from] HoldError),
    /// A limit.
    #[error(
        "rule `{rule}`: at most {} {} per {} and {}",
        limit.at_most, limit.measure.as_str(), limit.per.as_str(), limit.window.as_str()
    )]
    Limit {
        /// Of which rule.
        rule: RuleId,
        /// Which one.
        limit: Limit,
    },
    /// The database did not answer or refused.
    #[error("could not reserve")]
    Database(#[from] tokio_postgres::Error),
}

/// What an operation takes of one limit.
#[derive(Clone, Debug, Serialize)]
struct Use {
    measure: &'static str,
    per: &'static str,
    subject: String,
    time_window: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
}

/// Reserves all of it or nothing. Concurrent calls for one sponsor wait for each other at its money, so no two of them see the
/// same room in a limit.
pub async fn reserve(tx: &mut Transaction<'_>, wanted: &Wanted<'_>) -> Result<(), ReserveError> {
    // Dropped on every refusal, which undoes what was taken before it.
    let point = tx.savepoint("reserve").await?;
    let Wanted { id, sponsor, revision, rule, operation } = *wanted;
    let hold = WantedHold { job: JobId(id.0), sponsor, amount: operation.fee };
    ledger::hold(&point, &[hold]).await?.pop().unwrap_or(Ok(()))?;
    let mut uses = Vec::with_capacity(rule.limits.len());
    for limit in &rule.limits {
        uses.push(take(&point, wanted, limit).await?);
    }
    let statement = point.prepare_cached(include_str!("reserved.sql")).await?;
    let (rule, fee) = (rule.id.to_string(), operation.fee.to_string());
    point.execute(&statement, &[&id.0, &sponsor.0, &revision, &rule, &fee, &Json(uses)]).await?;
    Ok(point.commit().await?)
}

async fn take(
    tx: &Transaction<'_>,
    wanted: &Wanted<'_>,
    limit: &Limit,
) -> Result<Use, ReserveError> {
    let Wanted { sponsor, rule, operation, .. } = *wanted;
    let used = Use {
        measure: limit.measure.as_str(),
        per: limit.per.as_str(),
        subject: limit.per.subject(operation),
        time_window: limit.window.as_str(),
        since: limit.window.since(operation.now),
    };
    let amount = match limit.measure {
        Measure::Operations => Fri(1),
        Measure::SpentFri => operation.fee,
    };
    let statement = tx.prepare_cached(include_str!("take.sql")).await?;
    let (rule_id, amount, most) =
        (rule.id.to_string(), amount.to_string(), limit.at_most.to_string());
    let taken = tx
        .execute(
            &statement,
            &[
                &sponsor.0,
                &rule_id,
                &used.measure,
                &used.per,
                &used.subject,
                &used.time_window,
                &used.since,
                &amount,
                &most,
            ],
        )
        .await?;
    if taken == 0 {
        return Err(ReserveError::Limit { rule: rule.id.clone(), limit: *limit });
    }
    Ok(used)
}

impl Measure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::SpentFri => "spent_fri",
        }
    }
}

impl Per {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Account => "account",
            Self::Device => "device",
            Self::Key => "key",
        }
    }

    /// Who has the limit.
    fn subject(self, operation: &Operation<'_>) -> String {
        match self {
            Self::Rule => String::new(),
            Self::Account => operation.account.to_string(),
            Self::Device => operation.device.map_or_else(String::new, |device| device.to_string()),
            Self::Key => operation.key.to_string(),
        }
    }
}
