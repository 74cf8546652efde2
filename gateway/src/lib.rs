//! The front desk: REST, gRPC, auth, idempotency, job store and lease queue.
//!
//! Stateless: kill any replica at any time. Holds no chain key and runs no model.

pub mod app;
pub mod auth;
mod cbor;
pub mod config;
pub mod database;
mod devices;
mod events;
mod extract;
pub mod failpoint;
#[cfg(test)]
mod fuzz;
mod grpc;
mod health;
mod jobs;
mod leases;
mod limiter;
mod media;
pub mod models;
mod observe;
mod open_inference;
mod openapi;
mod pools;
mod problem;
pub mod queue;
mod recent;
mod redis_link;
mod reply;
mod results;
pub mod sponsors;
mod stack;
mod statements;
mod together;
mod wake;
mod webhooks;
pub mod workers;

pub use config::Config;
pub use observe::FAMILIES as METRICS;
pub use openapi::document as openapi_document;
