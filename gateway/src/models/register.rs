//! Puts a model into the catalogue. For operators: the chain's registry is the other half.

use std::num::NonZeroU32;

use ciro_api::{Fri, Manifest, ModelId, PoolName, manifest};
use sha2::{Digest, Sha256};
use tokio_postgres::{GenericClient, types::ToSql};

use crate::database::DatabaseError;

/// What an operator decides of a model. It stays as first registered.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What one job costs.
    pub price: Fri,
    /// Whose workers run it.
    pub pool: PoolName,
    /// How long a run takes there, as expected: at least a millisecond.
    pub expected_run_ms: NonZeroU32,
}

/// A model that cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The manifest.
    #[error("the manifest cannot be used")]
    Manifest(#[from] manifest::ManifestError),
    /// The artifact is not the one that the manifest pins.
    #[error("the artifact of {name} has SHA-256 {given}; its manifest pins {pinned}")]
    Artifact {
        /// The model.
        name: String,
        /// What the manifest says.
        pinned: String,
        /// What was given, or `none`.
        given: String,
    },
    /// Another model has the name.
    #[error("the name {0} belongs to another model")]
    NameTaken(String),
    /// The database.
    #[error("registering failed")]
    Database(#[from] DatabaseError),
}

/// Registers a model; again with the same bytes is no change, whatever the terms.
pub async fn register(
    client: &impl GenericClient,
    manifest_bytes: &[u8],
    artifact: Option<&[u8]>,
    terms: &Terms,
) -> Result<ModelId, RegisterError> {
    let parsed = Manifest::parse(manifest_bytes)?;
    check_artifact(&parsed, artifact)?;
    let id = manifest::model_id(manifest_bytes);
    let values: [&(dyn ToSql + Sync); 7] = [
        &id.to_string(),
        &parsed.name,
        &manifest_bytes,
        &artifact,
        &terms.price.to_string(),
        &terms.pool.as_str(),
        &i64::from(terms.expected_run_ms.get()),
    ];
    client.execute(include_str!("register.sql"), &values).await.map_err(DatabaseError::from)?;
    let same = "SELECT 1 FROM model WHERE model_id = $1 AND name = $2";
    let found = client
        .query_opt(same, &[&id.to_string(), &parsed.name])
        .await
        .map_err(DatabaseError::from)?;
    if found.is_some() { Ok(id) } else { Err(RegisterError::NameTaken(parsed.name)) }
}

fn check_artifact(manifest: &Manifest, artifact: Option<&[u8]>) -> Result<(), RegisterError> {
    let pinned = manifest.artifact.as_ref().map_or("none", |a| a.sha256.as_str());
    let given =
        artifact.map_or_else(|| "none".to_owned(), |bytes| hex::encode(Sha256::digest(bytes)));
    if pinned == given {
        return Ok(());
    }
    Err(RegisterError::Artifact { name: manifest.name.clone(), pinned: pinned.to_owned(), given })
}
