//! The REST shapes: what travels over HTTP, as serde and `OpenAPI` see it.
//!
//! Absent values are omitted, never null. Unknown request fields are refused. Byte strings travel as base64, in CBOR as
//! they are.

pub mod bytes;
pub mod claim_tokens;
pub mod devices;
pub mod events;
pub mod evidence;
pub mod health;
pub mod jobs;
pub mod leases;
pub mod models;
pub mod open_inference;
pub mod operations;
pub mod policies;
pub mod pools;
mod present;
pub mod results;
pub mod sponsors;
pub mod statements;
pub mod webhooks;
mod whole;
pub mod workers;

pub use bytes::Base64;
