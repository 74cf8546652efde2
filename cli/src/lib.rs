//! The command line of ciro-network: the development network, the demo, and the published `OpenAPI` document.
//!
//! Knows every room; no room knows it.

pub mod demo;
pub mod dev;
pub mod down;
pub mod stack;
