//! The Open Inference Protocol V2 over HTTP, for clients made for `KServe` or `Triton`: the same jobs through another door.
//!
//! Each element of a tensor is a job of its own, paid and attested like any other. Adds nothing that the API proper lacks.

pub(crate) mod infer;
pub(crate) mod model;
mod names;
pub(crate) mod server;
pub(crate) mod tensor;
