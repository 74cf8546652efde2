//! The command line of ciro-network: the development network, the demo, what operators and workers do on chain, and
//! the published `OpenAPI` document.
//!
//! Knows every room; no room knows it.

pub mod account;
pub mod demo;
pub mod dev;
pub mod down;
pub mod drain;
pub mod operator;
pub mod settle;
pub mod sponsor;
pub mod stack;
pub mod token_key;
