//! Statements: many receipts of one sponsor and one worker, which the operator signs and the worker countersigns to
//! be paid.

mod close;
mod countersign;
mod document;
mod get;
mod pending;
mod sign;
mod unsettled;

pub(crate) use close::keep_closers_out;
pub use close::{CloseError, close, close_in};
pub use countersign::{CountersignError, countersign};
pub use get::get;
pub use pending::pending;
pub use sign::{SignError, Signer, forget_other_keys, sign};
pub use unsettled::unsettled;
