//! Statements: what workers countersign to be paid. The paymaster closes and settles them.

pub(crate) mod countersign;
pub(crate) mod pending;
