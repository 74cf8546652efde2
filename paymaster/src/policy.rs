//! Sponsor policies: what a sponsor pays for, as a document that it writes, and the decision that follows from it.
//!
//! Denied is what no rule allows. Nothing here reads a clock, the chain or the database, so the same operation and the same
//! document always give the same decision, at build and again at execute.

mod capture;
mod decide;
mod document;
mod names;
mod operation;
mod pattern;
mod reserve;
mod store;
mod window;

pub use capture::{EndError, capture, release};
pub use decide::{Decision, Denial, Mismatch, Policy, Reason};
pub use document::{
    Action, Ceilings, Conditions, DOCUMENT_BYTES_MAX, DocumentError, Limit, Measure, OnFailure,
    Per, PolicyDocument, Rule, Webhook, Window,
};
pub use names::{Network, RuleId};
pub use operation::Operation;
pub use pattern::{CallPattern, Predicate, Selector, Test};
pub use reserve::{ReserveError, Wanted, reserve};
pub use store::{
    PolicyStoreError, Revision, WHATEVER_IS_THERE, current, revision, store, store_over,
};

#[cfg(test)]
mod tests;
