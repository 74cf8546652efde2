//! One contract for each family of models that can be recomputed on chain.

pub mod sha256;
