//! Statements: what workers countersign to be paid. The paymaster closes, signs and settles them.

pub(crate) mod countersign;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pending;

/// Statements in one reply: each may carry a thousand receipts.
const STATEMENTS_MAX: u32 = 10;
