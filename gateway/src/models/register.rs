//! Puts a model into the catalogue. For operators: the chain's registry is the other half.

use ciro_api::{Fri, Manifest, ModelId, manifest};
use sha2::{Digest, Sha256};
use tokio_postgres::GenericClient;

use crate::database::DatabaseError;

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

/// Registers a model; again with the same bytes is no change. The price stays as first registered.
pub async fn register(
    client: &impl GenericClient,
    manifest_bytes: &[u8],
    artifact: Option<&[u8]>,
    price: Fri,
) -> Result<ModelId, RegisterError> {
    let parsed = Manifest::parse(manifest_bytes)?;
    check_artifact(&parsed, artifact)?;
    let id = manifest::model_id(manifest_bytes);
    let insert = "INSERT INTO model (model_id, name, manifest, artifact, price_fri) \
                  VALUES ($1, $2, $3, $4, $5::text::numeric) ON CONFLICT DO NOTHING";
    let values = (id.to_string(), price.to_string());
    client
        .execute(insert, &[&values.0, &parsed.name, &manifest_bytes, &artifact, &values.1])
        .await
        .map_err(DatabaseError::from)?;
    let same = "SELECT 1 FROM model WHERE model_id = $1 AND name = $2";
    let found =
        client.query_opt(same, &[&values.0, &parsed.name]).await.map_err(DatabaseError::from)?;
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
