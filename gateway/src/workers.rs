//! Workers prove who they are with the key that they registered on chain.

pub(crate) mod challenge;
pub(crate) mod session;
