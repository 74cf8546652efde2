//! What happens to a job before its end: workers tell, requesters listen.
//!
//! States come from `PostgreSQL`. What workers told is kept in Redis for a while and may be lost at any time; then listeners
//! are told so. Nothing here decides anything about a job.

pub(crate) mod buffer;
pub(crate) mod follow;
pub(crate) mod report;
pub(crate) mod seats;
mod tell;
