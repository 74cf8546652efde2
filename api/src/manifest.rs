//! The manifest of a model: the published document whose hash is the model's id.

use serde::Deserialize;
use starknet_rust_crypto::poseidon_hash_many;

use crate::{
    felt::ModelId,
    hash::{commitment::sha256_halves, short_string},
    state::{Level, Scheme},
};

/// Largest manifest in bytes. Ours have about 400.
pub const MANIFEST_BYTES_MAX: usize = 4_096;

/// The program that turns input into output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// The built-in SHA-256: 32 raw bytes out.
    Sha256,
    /// An ONNX graph.
    Onnx,
}

/// The bytes that the runtime needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Length.
    pub bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// What a model takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRule {
    /// Largest input; one byte more is refused, never downgraded.
    pub bytes_max: usize,
    /// Media type of the canonical input bytes.
    pub media_type: String,
}

/// What a model gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRule {
    /// Media type of the canonical output bytes.
    pub media_type: String,
}

/// A parsed manifest. Its identity is the hash of the exact bytes, so keep those.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Owner, name and version: `ciro/sha256@1`.
    pub name: String,
    /// Which program runs.
    pub runtime: Runtime,
    /// How strongly results are verified.
    pub level: Level,
    /// How inputs and outputs are committed.
    #[serde(rename = "commitment")]
    pub scheme: Scheme,
    /// What it takes.
    pub input: InputRule,
    /// What it gives.
    pub output: OutputRule,
    /// The bytes it needs; absent for built-in runtimes.
    pub artifact: Option<Artifact>,
    /// The rule that turns text into tensors, by name; only for runtimes that need one.
    pub preprocessing: Option<String>,
}

/// A document that is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Over the bound.
    #[error("the manifest has {0} bytes; at most {MANIFEST_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// Not the JSON we expect.
    #[error("the manifest is not valid")]
    Invalid(#[source] serde_json::Error),
}

impl Manifest {
    /// Reads a manifest from its published bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        serde_json::from_slice(bytes).map_err(ManifestError::Invalid)
    }
}

/// The id of the model with exactly these manifest bytes.
pub fn model_id(manifest_bytes: &[u8]) -> ModelId {
    let [hi, lo] = sha256_halves(manifest_bytes);
    ModelId(poseidon_hash_many(&[short_string("CIRO_MODEL"), hi, lo]))
}
