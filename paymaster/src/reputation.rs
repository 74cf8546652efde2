//! Reputation: what operations of an account, a class of accounts or a device have come to so far, and what those that failed
//! have cost us.
//!
//! As in ERC-7562, operations seen are held against operations included, and all counters lose a 24th every hour. Beside them
//! stands what reverts cost. Nothing here reads a clock; nothing runs in the background, since counters decay when they are
//! read or written. It never decides what becomes of an operation: who asks does.
//!
//! A class is throttled at worst, never banned: anyone may deploy an account of a vendor's class and let its operations fail,
//! and must not be able to shut out all others who have the vendor's wallet.

mod decay;
mod forget;
mod record;
mod standing;
mod subject;
mod thresholds;

pub use decay::{Count, Reputation};
pub use forget::{FORGOTTEN_AT_ONCE_MAX, forget};
pub use record::{Event, Outcome, record};
pub use standing::{Standing, of, standing};
pub use subject::Subject;
pub use thresholds::Thresholds;

#[cfg(test)]
mod tests;
