//! Where a reputation begins to count against its subject.

use ciro_api::Fri;

use super::{
    decay::{Count, Reputation},
    subject::Subject,
};

/// From where on a subject is throttled or banned.
///
/// Steady use has a memory of 24 hours: counters lose a 24th an hour, so at a constant rate they stand at what 24 hours bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// How many operations may be seen for one that is included: 10, as ERC-7562 says for bundlers
    /// (`MIN_INCLUSION_RATE_DENOMINATOR`). Honest ones fail after simulation now and then; nine of ten is another matter.
    pub seen_per_included: u32,
    /// How far a tenth of those seen may exceed those included before a subject is throttled, in operations: 10 (ERC-7562,
    /// `THROTTLING_SLACK`). A new subject may have 100 on their way. At least 1, which rounding never comes near.
    pub throttle_slack: u32,
    /// The same before it is banned: 50 (ERC-7562, `BAN_SLACK`).
    pub ban_slack: u32,
    /// What reverts may have cost before a subject is throttled, in fri: 1 STRK. A sponsored transaction costs about 0.017 STRK
    /// at the lowest gas price, so these are sixty reverts at once, or five in two hours for ever.
    pub throttle_cost: Fri,
    /// The same before it is banned: 5 STRK, five times as much, as the slacks are. One transaction with all the gas that
    /// there may be in one (1.1e9 units at 8e9 fri: 8.8 STRK) is enough.
    pub ban_cost: Fri,
    /// What reverts of a whole class may have cost before it is throttled, in fri: 100 STRK. Those of an account, times a
    /// hundred: it takes a hundred accounts at their own threshold, or twenty that were banned, to slow down a vendor's users.
    pub class_throttle_cost: Fri,
}

impl Default for Thresholds {
    fn default() -> Self {
        let strk = |count| Fri(count * Fri::ONE_STRK.0);
        Self {
            seen_per_included: 10,
            throttle_slack: 10,
            ban_slack: 50,
            throttle_cost: strk(1),
            ban_cost: strk(5),
            class_throttle_cost: strk(100),
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Good,
    Throttled,
    Banned,
}

impl Thresholds {
    /// How bad a reputation is for this subject.
    pub(super) fn level(&self, subject: Subject, reputation: &Reputation) -> Level {
        let cost = reputation.revert_cost;
        if matches!(subject, Subject::Class(_)) {
            let throttled =
                self.exceeds(self.throttle_slack, reputation) || cost > self.class_throttle_cost;
            return if throttled { Level::Throttled } else { Level::Good };
        }
        if self.exceeds(self.ban_slack, reputation) || cost > self.ban_cost {
            return Level::Banned;
        }
        if self.exceeds(self.throttle_slack, reputation) || cost > self.throttle_cost {
            return Level::Throttled;
        }
        Level::Good
    }

    /// Whether `seen / seen_per_included > included + slack`, without the division. Products of 64 and 32 bits fit in 128.
    fn exceeds(&self, slack: u32, reputation: &Reputation) -> bool {
        let wide = |count: Count| u128::from(count.millionths);
        let allowed = wide(reputation.included) + u128::from(slack) * wide(Count::ONE);
        wide(reputation.seen) > u128::from(self.seen_per_included) * allowed
    }

    /// How many hours of decay it takes until it is less bad. Ends, since nothing is left of anything after 2,100 hours.
    pub(super) fn hours_until_better(&self, subject: Subject, reputation: Reputation) -> u32 {
        let level = self.level(subject, &reputation);
        let (mut later, mut hours) = (reputation, 0);
        while level > Level::Good && self.level(subject, &later) >= level {
            later = later.after(1);
            hours += 1;
        }
        hours
    }
}
