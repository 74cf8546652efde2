//! Webhooks: the end of a job is told to the receiver that its requester named, at least once.
//!
//! Written down in the transaction that ends the job, sent by whichever gateway gets to it, to public addresses only.

pub(crate) mod deliver;
mod event;
pub(crate) mod failed;
pub(crate) mod outbox;
pub(crate) mod redeliver;
mod retry;
pub(crate) mod secrets;
mod sign;
mod usable;

pub(crate) use deliver::Courier;
pub(crate) use usable::usable;
