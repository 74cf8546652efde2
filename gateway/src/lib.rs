//! The front desk: REST, auth, idempotency, job store and lease queue.
//!
//! Stateless: kill any replica at any time. Holds no chain key and runs no model.

pub mod app;
pub mod auth;
pub mod config;
pub mod database;
mod devices;
mod extract;
pub mod failpoint;
mod health;
mod jobs;
mod leases;
mod limiter;
pub mod models;
mod observe;
mod openapi;
mod problem;
pub mod queue;
mod results;
pub mod sponsors;
mod stack;
mod statements;
mod trace;
mod wake;
mod webhooks;
mod workers;

pub use config::Config;
pub use observe::FAMILIES as METRICS;
pub use openapi::document as openapi_document;
