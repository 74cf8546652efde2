//! One concern each; `pool.cairo` and `job_manager.cairo` compose them.

pub mod model_registry;
pub mod pending_pay;
pub mod sponsors;
pub mod stakes;
pub mod vault;
pub mod worker_keys;
