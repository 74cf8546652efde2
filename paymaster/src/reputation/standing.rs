//! Says how those who have part in an operation stand.

use std::cmp::Ordering;

use ciro_api::Fri;
use time::{Duration, OffsetDateTime};
use tokio_postgres::{GenericClient, Row, types::Type};

use super::{
    decay::{Count, Reputation},
    subject::Subject,
    thresholds::{Level, Thresholds},
};
use crate::{
    StoreError,
    database::{count, word},
};

/// How the worst of an operation's subjects stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All is well.
    Good,
    /// Few operations of this subject should be on their way at once.
    Throttled {
        /// Whose operations.
        subject: Subject,
        /// When that ends, if nothing more happens.
        until: OffsetDateTime,
    },
    /// No operation of this subject should be taken on.
    Banned {
        /// Whose operations.
        subject: Subject,
        /// When that ends, if nothing more happens. The subject is throttled then, or good.
        until: OffsetDateTime,
    },
}

impl Standing {
    fn level(self) -> Level {
        match self {
            Self::Good => Level::Good,
            Self::Throttled { .. } => Level::Throttled,
            Self::Banned { .. } => Level::Banned,
        }
    }

    fn until(self) -> Option<OffsetDateTime> {
        match self {
            Self::Good => None,
            Self::Throttled { until, .. } | Self::Banned { until, .. } => Some(until),
        }
    }

    /// The worse one; of two that are as bad, the one that lasts longer.
    fn or_worse(self, other: Self) -> Self {
        let order = self.level().cmp(&other.level());
        match order.then_with(|| self.until().cmp(&other.until())) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => self,
        }
    }
}

/// Counters as they were once.
struct Kept {
    reputation: Reputation,
    decayed_to: OffsetDateTime,
}

impl Kept {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let operations = |column| Ok::<_, StoreError>(Count { millionths: count(row, column)? });
        Ok(Self {
            reputation: Reputation {
                seen: operations("seen_millionths")?,
                included: operations("included_millionths")?,
                reverted: operations("reverted_millionths")?,
                revert_cost: word::<Fri>(row, "revert_cost")?,
            },
            decayed_to: row.try_get("decayed_to")?,
        })
    }

    /// Whole hours that have passed by `now`. None by a clock that is behind; and none there is comes to 2^32.
    fn hours(&self, now: OffsetDateTime) -> u32 {
        u32::try_from((now - self.decayed_to).whole_hours().max(0)).unwrap_or(u32::MAX)
    }

    fn at(&self, now: OffsetDateTime) -> Reputation {
        self.reputation.after(self.hours(now))
    }

    fn standing(&self, subject: Subject, thresholds: &Thresholds, now: OffsetDateTime) -> Standing {
        let reputation = self.at(now);
        let level = thresholds.level(subject, &reputation);
        let until = || {
            // Counters change only at whole hours after `decayed_to`, so that is when the standing does.
            let rest = thresholds.hours_until_better(subject, reputation);
            self.decayed_to.saturating_add(Duration::HOUR * self.hours(now).saturating_add(rest))
        };
        match level {
            Level::Good => Standing::Good,
            Level::Throttled => Standing::Throttled { subject, until: until() },
            Level::Banned => Standing::Banned { subject, until: until() },
        }
    }
}

/// How the worst of these stands at `now`. Those that were never seen are good.
pub async fn standing(
    client: &impl GenericClient,
    subjects: &[Subject],
    thresholds: &Thresholds,
    now: OffsetDateTime,
) -> Result<Standing, StoreError> {
    let mut worst = Standing::Good;
    for (subject, kept) in read(client, subjects).await? {
        worst = worst.or_worse(kept.standing(subject, thresholds, now));
    }
    Ok(worst)
}

/// What is left at `now` of what is known of a subject.
pub async fn of(
    client: &impl GenericClient,
    subject: Subject,
    now: OffsetDateTime,
) -> Result<Reputation, StoreError> {
    let found = read(client, &[subject]).await?;
    Ok(found.first().map(|(_, kept)| kept.at(now)).unwrap_or_default())
}

async fn read(
    client: &impl GenericClient,
    subjects: &[Subject],
) -> Result<Vec<(Subject, Kept)>, StoreError> {
    let kinds: Vec<&str> = subjects.iter().map(|subject| subject.kind()).collect();
    let names: Vec<String> = subjects.iter().map(|subject| subject.name()).collect();
    let sql = include_str!("standing.sql");
    let rows =
        client.query_typed(sql, &[(&kinds, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let place = usize::try_from(row.try_get::<_, i64>("place")?).ok();
        if let Some(subject) = place.and_then(|place| subjects.get(place.checked_sub(1)?)) {
            found.push((*subject, Kept::read(row)?));
        }
    }
    Ok(found)
}
