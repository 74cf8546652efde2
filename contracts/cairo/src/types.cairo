//! The records that are stored or signed.

pub mod attestation;
pub mod device_signature;
pub mod evidence;
pub mod fleet_nonce;
pub mod limit;
pub mod model;
pub mod notice;
pub mod onchain_job;
pub mod operation;
pub mod outside_execution;
pub mod parameters;
pub mod pay_slot;
pub mod payment;
pub mod roles;
pub mod session_policy;
pub mod spent;
pub mod stake;
pub mod statement;
pub mod timed_amount;
