//! Health.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The gateway answers and its database does too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when Redis is away: jobs are accepted and wait.
    pub status: String,
    /// The gateway's version.
    pub version: String,
    /// What signed documents name as issuer and audience.
    pub issuer: String,
}
