//! Pools as those see them who start and stop workers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::pool::PoolName;

/// A pool, as the index has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pool {
    /// Its name.
    pub pool: PoolName,
    /// The names of the models that it runs, in order.
    pub models: Vec<String>,
    /// Jobs that a worker could have now.
    pub queued: u64,
    /// Jobs that are kept back until later.
    pub delayed: u64,
    /// Jobs that a worker has.
    pub leased: u64,
    /// The age, since it was accepted, of the oldest among the 256 jobs that come next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_age_ms: Option<u64>,
    /// Jobs accepted in the last minute.
    pub arrivals_per_minute: u64,
    /// Workers that asked for jobs of this pool, or held some, in the last minute.
    pub workers: u64,
    /// How many there should be: as many as `per_worker` asks for, and one more than there are when a job has waited for four seconds.
    pub suggested_workers: u64,
}

/// Every pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolList {
    /// In the order of their names.
    pub data: Vec<Pool>,
}
