//! The budget ledger: hold, then earn or void, then post. The sum of holds never exceeds what the chain can pay.
//!
//! Every function runs inside the caller's transaction, so that money and job move together or not at all.

mod earn;
mod hold;
mod post;
mod receipt_of;
mod settlement_of;
mod void;

pub use earn::{EarnError, Earned, earn};
pub use hold::{HoldError, WantedHold, hold};
pub(crate) use post::post;
pub use receipt_of::receipt_of;
pub use settlement_of::{settlement_of, settlements_of};
pub use void::{VoidError, void};
