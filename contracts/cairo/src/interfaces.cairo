//! What the contracts promise to callers. Amounts are u128 in fri; u256 appears only in `IErc20`.

pub mod erc20;
pub mod job_manager;
pub mod pool;
