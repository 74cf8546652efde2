//! Carries what accounts have signed onto the chain, in transactions of our own accounts.
//!
//! An operation is queued, claimed by one relayer, and sent under one nonce. Everything is written down before anybody sees
//! it: a nonce belongs to its transaction before the transaction is sent, and the transaction is kept whole, so that whoever
//! goes on after a crash sends the same bytes. Only the chain's receipt ends an operation that was sent.
//!
//! One process at a time acts for a relayer: whoever holds its lease. Each thing that it writes is written under the fencing
//! token of that lease, so one that was thought dead and comes back writes nothing.

mod assign;
mod bell;
mod body;
mod claim;
mod end;
mod enqueue;
mod filter;
mod finish;
mod fuel;
mod lease;
mod parties;
mod record;
mod relayer;
mod replace;
mod resolve;
mod send;
mod track;

pub use bell::Bell;
pub use body::{Body, Carried};
pub use enqueue::{EnqueueError, Queued, enqueue, known};
pub use fuel::Fuel;
pub use lease::is_anyone_able;
pub use relayer::{Progress, RelayError, Relayer, Settings};
pub use track::{Track, TrackState, track, tracking_id};
