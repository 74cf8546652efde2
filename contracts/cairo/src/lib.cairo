//! The notary: sponsors deposit, workers stake, countersigned statements move the money.
//! Nobody owns these contracts; no function lets anyone take a balance that is not theirs.

pub mod components;
pub mod hashes;
pub mod interfaces;
pub mod job_manager;
pub mod pool;
pub mod types;

#[cfg(test)]
mod tests;
