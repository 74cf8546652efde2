//! Jobs as their requester sees them.

pub(crate) mod accept_elements;
pub(crate) mod accept_many;
pub(crate) mod attestation;
pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod end;
mod etag;
pub(crate) mod get;
pub(crate) mod list;
mod read_batch;
pub(crate) mod receipt;
pub(crate) mod replay;
pub(crate) mod show;
pub(crate) mod submit;
mod summary;
pub(crate) mod wait;
