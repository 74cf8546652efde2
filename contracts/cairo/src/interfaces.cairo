//! What the contracts promise to callers, and what they see of others. Amounts are u128 in fri;
//! u256 appears only where a token is called.

pub mod adjudicator;
pub mod credits;
pub mod erc20;
pub mod fleet_account;
pub mod forwarder;
pub mod job_callback;
pub mod job_manager;
pub mod pool;
