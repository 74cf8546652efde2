//! What the paymaster does when it is asked: each request of SNIP-29, and those that this field has beside it.
//!
//! Nothing that comes in is believed. What was signed is read, hashed anew, simulated as it would be sent, and held against the
//! sponsor's policy as it is then; only what passes all of it is reserved and queued, and that in one transaction.

mod accounts;
mod build;
mod can_sponsor;
mod carry;
mod decide;
mod denials;
mod deployment;
mod desk;
mod device;
mod direct;
mod execute;
mod faults;
mod policies;
mod queue;
mod quote;
mod signed;
mod standing;
mod status;
mod tokens;

pub use build::build;
pub use can_sponsor::can_sponsor;
pub use desk::{Caller, Desk, DeskParts, DeskSettings};
pub use device::ShownToken;
pub use direct::{execute_direct, execute_outside};
pub use execute::execute;
pub use status::{is_available, supported_tokens, track};
pub use tokens::{GasToken, GasTokens, GasTokensError};
