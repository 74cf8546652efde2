//! Leases: how jobs get to workers and come back from those that died.

pub(crate) mod fail;
pub(crate) mod grant;
pub(crate) mod heartbeat;
pub(crate) mod lookout;
pub(crate) mod reconcile;
pub(crate) mod release;
pub(crate) mod sweep;
pub(crate) mod take;
