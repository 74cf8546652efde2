//! Jobs as their requester sees them.

pub(crate) mod end;
pub(crate) mod get;
mod show;
pub(crate) mod submit;
mod wait;
