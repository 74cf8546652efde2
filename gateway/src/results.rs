//! Results: the only way out of the queue that pays.

pub(crate) mod store;
pub(crate) mod submit;
