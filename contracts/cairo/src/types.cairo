//! The records that are stored or signed.

pub mod attestation;
pub mod model;
pub mod notice;
pub mod pay_slot;
pub mod statement;
