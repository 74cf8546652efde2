//! Models as the catalogue shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    felt::ModelId,
    money::Fri,
    pool::PoolName,
    state::{Level, Scheme},
};

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Content hash of its manifest.
    pub id: ModelId,
    /// Owner, name and version.
    pub name: String,
    /// How strongly its results are verified.
    pub level: Level,
    /// How bytes are committed.
    pub scheme: Scheme,
    /// Largest input in bytes.
    pub input_bytes_max: u64,
    /// Media type of the input.
    pub input_media_type: String,
    /// Media type of the output.
    pub output_media_type: String,
    /// What one job costs.
    pub price_fri: Fri,
    /// Whose workers run it.
    pub pool: PoolName,
    /// How long one run takes on a worker of the pool, as expected; shares of the pool are counted in it.
    pub expected_run_ms: u32,
    /// Where the manifest's exact bytes are, relative to the gateway.
    pub manifest_url: String,
    /// Where the artifact is, relative to the gateway; absent for built-in runtimes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_url: Option<String>,
}

/// The catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// Every registered model.
    pub data: Vec<Model>,
}
