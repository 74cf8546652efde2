//! The REST shapes: what travels over HTTP, as serde and `OpenAPI` see it.
//!
//! Absent values are omitted, never null. Unknown request fields are refused. Byte strings travel as base64.

pub mod bytes;
pub mod devices;
pub mod health;
pub mod jobs;
pub mod leases;
pub mod models;
mod present;
pub mod results;
pub mod sponsors;
pub mod statements;
mod whole;
pub mod workers;

pub use bytes::Base64;
