//! Results: the only way out of the queue that pays.

mod store;
pub(crate) mod submit;
