//! Sponsors as their own servers see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{felt::Address, id::SponsorId, money::Fri};

/// A sponsor: its limits with us, and what the chain says of it as far as we have read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sponsor {
    /// Its id.
    pub id: SponsorId,
    /// For people.
    pub name: String,
    /// Its account on chain.
    pub address: Address,
    /// The most it pays for one job.
    pub price_ceiling_fri: Fri,
    /// The most it ever pays through us.
    pub spend_limit_fri: Fri,
    /// Its deposit on chain.
    pub deposit_fri: Fri,
    /// What of it was announced to leave; may exceed it.
    pub announced_fri: Fri,
    /// What we may still spend of it in this allowance epoch.
    pub allowance_fri: Fri,
}

/// The jobs of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageDay {
    /// The day in UTC, as `2026-01-31`.
    pub day: String,
    /// How many jobs were accepted on it.
    pub jobs: u64,
    /// Whether it may have been more: beyond 100,000 a day they are not counted.
    pub at_least: bool,
}

/// Where a sponsor's money stands, and what its devices asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// What new jobs may cost together.
    pub budget_fri: Fri,
    /// Set aside for jobs that wait or run, and for results that are not settled yet.
    pub held_fri: Fri,
    /// Settled through us.
    pub spent_fri: Fri,
    /// Newest first; today is the first and is not over.
    pub days: Vec<UsageDay>,
}
