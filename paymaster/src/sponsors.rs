//! Sponsors: who pays, and within which limits.

mod create;
mod get;
mod operations;
mod sponsorship_keys;
mod with_operations;

pub use create::{CreateError, NewSponsor, create};
pub use get::{Sponsor, find_by_address, get};
pub use operations::operations;
pub use sponsorship_keys::{
    CreateKeyError, create_sponsorship_key, revoke_sponsorship_key, sponsor_of_key,
};
pub use with_operations::with_operations;
