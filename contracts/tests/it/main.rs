//! The contracts on a real chain, through the bindings.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands, its helpers too")]

mod abi;
mod books;
mod case;
mod fleet;
mod fleet_account;
mod forwarder;
mod gas;
mod net;
mod nodes;
mod ops;
mod outside;
mod property;
mod step;
