//! Records what became of operations.

use std::collections::BTreeMap;

use ciro_api::Fri;
use deadpool_postgres::Transaction;
use time::OffsetDateTime;

use super::{
    decay::{Count, Reputation},
    subject::Subject,
};

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken on and has ended, on chain or because it would have failed there. What is on its way is not counted, or whoever
    /// is many would be throttled for being many; nor is what came too late, which is our fault. Recorded once for each operation.
    Seen,
    /// It did on chain what it was to do.
    Succeeded,
    /// It was undone on chain.
    Reverted {
        /// What that cost us, in fri.
        cost: Fri,
    },
}

/// What became of one operation, for all who had part in it.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Who.
    pub subjects: &'a [Subject],
    /// What.
    pub outcome: Outcome,
}

/// Records events at `now`, in the caller's transaction: they have happened when that commits.
///
/// Rows are locked in the order of [`Subject`] until then, so two callers wait for each other and never deadlock, as long as
/// each calls this once in its transaction, with all that it has to record.
pub async fn record(
    tx: &Transaction<'_>,
    events: &[Event<'_>],
    now: OffsetDateTime,
) -> Result<(), tokio_postgres::Error> {
    let sums = sum(events);
    if sums.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Reputation) -> Count| -> Vec<i64> {
        // A database's integer holds nine billion operations at a time.
        sums.values().map(|sum| i64::try_from(of(sum).millionths).unwrap_or(i64::MAX)).collect()
    };
    let kinds: Vec<&str> = sums.keys().map(|subject| subject.kind()).collect();
    let names: Vec<String> = sums.keys().map(|subject| subject.name()).collect();
    let (seen, included, reverted) =
        (column(|sum| sum.seen), column(|sum| sum.included), column(|sum| sum.reverted));
    let costs: Vec<String> = sums.values().map(|sum| sum.revert_cost.to_string()).collect();
    let statement = tx.prepare_cached(include_str!("record.sql")).await?;
    tx.execute(&statement, &[&kinds, &names, &seen, &included, &reverted, &costs, &now]).await?;
    Ok(())
}

/// What is added to each. Its order is that of the locks; and a statement cannot change a row twice.
fn sum(events: &[Event<'_>]) -> BTreeMap<Subject, Reputation> {
    let mut sums: BTreeMap<Subject, Reputation> = BTreeMap::new();
    for Event { subjects, outcome } in events {
        let mut named = subjects.to_vec();
        named.sort_unstable();
        named.dedup();
        for subject in named {
            sums.entry(subject).or_default().add(*outcome);
        }
    }
    sums
}

impl Reputation {
    fn add(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Seen => &mut self.seen,
            Outcome::Succeeded => &mut self.included,
            Outcome::Reverted { cost } => {
                // Past 2^128 fri, which are not there, more makes no difference.
                self.revert_cost = self.revert_cost.checked_add(cost).unwrap_or(Fri(u128::MAX));
                &mut self.reverted
            }
        };
        counter.millionths = counter.millionths.saturating_add(Count::ONE.millionths);
    }
}
