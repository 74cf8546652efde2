//! Jobs as their requester sees them.

mod accept_many;
pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod end;
mod etag;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod show;
pub(crate) mod submit;
mod summary;
mod wait;
