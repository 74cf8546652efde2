//! One concern each; the contracts beside `components/` compose them.

pub mod binding;
pub mod bitmap_nonces;
pub mod credits;
pub mod device_keys;
pub mod escrow;
pub mod fraud;
pub mod model_registry;
pub mod onchain_jobs;
pub mod operator_keys;
pub mod owner_key;
pub mod ownership;
pub mod pause;
pub mod pending_pay;
pub mod relayers;
pub mod roles;
pub mod session;
pub mod sponsors;
pub mod stakes;
pub mod vault;
pub mod worker_keys;
