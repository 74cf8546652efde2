//! SNIP-29: what wallets and apps say to a paymaster, and what it answers, on the wire. Beside it stand the methods that are
//! in use and in no specification.
//!
//! JSON-RPC 2.0 over HTTP, with the method names and schemas of `assets/snip-29/paymaster_api.json` in starknet-io/SNIPs.
//! Nothing here asks the chain or the database: it reads, checks the form, and writes.

mod direct;
mod envelope;
mod fault;
mod felt;
mod methods;
mod parameters;
mod reply;
mod transaction;
pub mod typed_data;

pub use direct::{
    DirectInvoke, DirectTransaction, FeeSource, OutsideFields, OutsideNonce, OutsideTransaction,
};
pub use envelope::{Call, Id, MalformedCall, Reply, read_calls};
pub use fault::{Fault, FaultCode};
pub use felt::WireFelt;
pub use methods::{Method, Request};
pub use parameters::{FeeMode, Parameters, TimeBounds, Tip, Version};
pub use reply::{
    Built, BuiltTransaction, Executed, FeeEstimate, SupportedToken, Tracked, TrackingState,
};
pub use transaction::{
    Deployment, ExecutableTransaction, SignedInvoke, UserCall, UserInvoke, UserTransaction,
};
pub use typed_data::TypedVersion;

#[cfg(test)]
mod tests;
