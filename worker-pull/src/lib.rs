//! The workshop: lease, fetch, run, attest, submit, countersign.
//!
//! Runs on someone else's machine, trusts nothing it is told and is trusted with nothing. It never signs two
//! outputs for one lease of a job, never signs money away that it has not seen in its own journal, and never agrees to be
//! paid by a statement that it could not settle alone.

mod attest;
mod await_model;
mod config;
mod countersign;
mod fetch_model;
mod gateway;
mod journal;
mod keep_lease;
mod lease;
mod login;
mod observe;
mod offer;
mod operator;
mod retry;
mod run;
mod sign;
pub mod statements;
mod submit;
mod work_loop;

pub use config::Config;
pub use observe::FAMILIES as METRICS;
pub use work_loop::{StartError, Worker};
