//! Webhooks: the end of a job is told to the receiver that its requester named, at least once.
//!
//! Written down in the transaction that ends the job, sent by whichever gateway gets to it, to public addresses only.

mod address;
mod certificate;
pub(crate) mod deliver;
mod destination;
mod event;
pub(crate) mod failed;
pub(crate) mod outbox;
mod post;
pub(crate) mod redeliver;
mod retry;
pub(crate) mod secrets;
mod sign;
pub(crate) mod trust;

pub(crate) use deliver::Courier;
pub(crate) use destination::usable;
pub(crate) use post::Poster;
