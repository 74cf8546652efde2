//! Statements: many receipts of one sponsor and one worker, which the worker countersigns to be paid.

mod close;
mod countersign;
mod document;
mod get;
mod pending;

pub use close::{CloseError, close};
pub use countersign::{CountersignError, countersign};
pub use get::get;
pub use pending::pending;
