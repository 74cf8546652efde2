//! Every hash that is signed or checked, as docs/src/reference/signing.md fixes it.
//! Computes only; reads no storage and trusts no input's shape.

pub mod attestation_batch;
pub mod commitment;
pub mod es256;
pub mod evidence;
pub mod fleet;
pub mod outside_execution;
pub mod receipts;
pub mod signature;
pub mod snip12;
pub mod tree;
