//! What the command line does to a real machine: real servers, real processes, real kills.
//! Never touches anything outside a temporary directory.

// Said again for clippy, which lets only such modules unwrap.
#[cfg(test)]
mod accept;
#[cfg(test)]
mod alone;
#[cfg(test)]
mod cbor;
#[cfg(test)]
mod claim_tokens;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod device_keys;
#[cfg(test)]
mod device_operations;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fraud;
#[cfg(test)]
mod front_desk;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod grpc_life;
#[cfg(test)]
mod grpc_refusals;
#[cfg(test)]
mod grpc_session;
#[cfg(test)]
mod job_batch;
#[cfg(test)]
mod job_end;
#[cfg(test)]
mod job_list;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod net;
#[cfg(test)]
mod open_inference;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod order;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod room;
#[cfg(test)]
mod service;
#[cfg(test)]
mod sponsor_desk;
#[cfg(test)]
mod sponsor_policy;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod token_keys;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod webhook_tls;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod worker_pools;
