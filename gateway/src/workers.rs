//! Workers prove who they are with the key that they registered on chain, and obey their operator.

pub(crate) mod challenge;
pub mod drain;
pub(crate) mod session;
