//! The paymaster on real servers: `PostgreSQL` and a Starknet devnet, both started here.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands, its helpers too")]

mod alone;
mod crashes;
mod harness;
mod ledger;
mod policy;
mod process;
mod property;
mod settlement;
mod signing;
mod slashing;
mod statements;
mod world;
