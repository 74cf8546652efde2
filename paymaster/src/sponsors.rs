//! Sponsors: who pays, and within which limits.

mod create;
mod get;

pub use create::{CreateError, NewSponsor, create};
pub use get::{Sponsor, find_by_address, get};
