//! How counters decay. Whole numbers only, and hour by hour, so that the database and we agree to the last unit however often
//! a counter was looked at in between.

use ciro_api::Fri;

/// A number of operations, which stays exact while it decays: in millionths of one.
///
/// Rounding down takes less than a millionth every hour; with what decay leaves of it that comes to less than 24 millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// In millionths of an operation.
    pub millionths: u64,
}

impl Count {
    /// One operation.
    pub const ONE: Self = Self { millionths: 1_000_000 };
}

/// What is left of a subject's operations at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reputation {
    /// That were taken on.
    pub seen: Count,
    /// That did on chain what they were to do.
    pub included: Count,
    /// That were undone on chain, and paid for all the same.
    pub reverted: Count,
    /// What those cost us, in fri.
    pub revert_cost: Fri,
}

impl Reputation {
    /// What is left of it after so many hours.
    #[must_use]
    pub fn after(self, hours: u32) -> Self {
        let mut later = self;
        for _ in 0..hours {
            if later == Self::default() {
                break;
            }
            later = later.after_an_hour();
        }
        later
    }

    fn after_an_hour(self) -> Self {
        let count =
            |count: Count| Count { millionths: count.millionths - count.millionths.div_ceil(24) };
        Self {
            seen: count(self.seen),
            included: count(self.included),
            reverted: count(self.reverted),
            revert_cost: Fri(self.revert_cost.0 - self.revert_cost.0.div_ceil(24)),
        }
    }
}

/// How many hours it takes until nothing is left of one operation. No row is gone sooner after it was last written.
pub(super) const HOURS_OF_ONE: u32 = {
    let mut left = Count::ONE.millionths;
    let mut hours = 0;
    while left > 0 {
        left -= left.div_ceil(24);
        hours += 1;
    }
    hours
};
