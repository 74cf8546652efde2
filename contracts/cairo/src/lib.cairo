//! The notary: sponsors deposit, workers stake, countersigned statements move the money, and
//! whoever holds evidence of a lie takes the liar's stake.
//! No function lets anyone take a balance that is not theirs.

pub mod adjudicators;
pub mod components;
pub mod fleet_account;
pub mod forwarder;
pub mod hashes;
pub mod interfaces;
pub mod job_manager;
pub mod pool;
pub mod types;

#[cfg(test)]
mod tests;
