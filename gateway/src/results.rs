//! Results: the only way out of the queue that pays.

pub(crate) mod submit;
