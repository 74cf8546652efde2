//! Every hash that is signed or checked, as docs/src/reference/signing.md fixes it.
//! Computes only; reads no storage and trusts no input's shape.

pub mod attestation_batch;
pub mod commitment;
pub mod evidence;
pub mod receipts;
pub mod signature;
pub mod snip12;
pub mod tree;
