//! The cashier: budget ledger, statements, settlement and the chain watcher.
//!
//! The gateway calls [`ledger`], [`statements`], [`workers`] and [`devices::revoke`] inside its own database transactions. Only
//! [`service`] holds the operator's key and talks to the chain.

pub mod admission;
pub mod ask;
mod backoff;
mod database;
pub mod devices;
pub mod forget;
pub mod health;
pub mod keystores;
pub mod ledger;
pub mod listen;
mod migrate;
mod observe;
pub mod policy;
pub mod prices;
pub mod relay;
pub mod reputation;
pub mod requests;
pub mod service;
pub mod settle;
pub mod signer;
pub mod snip29;
pub mod sponsors;
pub mod statements;
pub mod stop;
pub mod watch;
pub mod workers;

pub use database::{Corrupt, StoreError, end_standstills};
pub use migrate::{MigrateError, migrate};
pub use observe::FAMILIES as METRICS;
