//! The paymaster on real servers: `PostgreSQL` and a Starknet devnet, both started here.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands, its helpers too")]

mod accounts;
mod alone;
mod asking;
mod collecting;
mod crashes;
mod desk_world;
mod device_keys;
mod devices;
mod fleet;
mod gateway_keys;
mod harness;
mod ledger;
mod node;
mod policy;
mod process;
mod property;
mod questions;
mod refusals;
mod relay;
mod reorganisations;
mod reputation;
mod settlement;
mod signer;
mod signing;
mod slashing;
mod snip29;
mod sponsor_server;
mod starknetjs;
mod statements;
mod traces;
mod world;
