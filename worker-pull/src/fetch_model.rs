//! Gets a model's manifest and artifact and believes neither before their hashes agree with the model's id.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use ciro_api::{
    Manifest, ModelId,
    manifest::{Artifact, ManifestError, Runtime, model_id},
};
use sha2::{Digest, Sha256};

use crate::{
    gateway::{CallError, Gateway},
    run::{Classifier, Onnx, OnnxError, Program},
};

/// Largest artifact fetched: it is held in memory once while it is checked and loaded.
const ARTIFACT_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The one text preprocessing that this worker has.
const HASHED_NGRAMS: &str = "hashed-ngrams-v1";

/// Why a model is not offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("cannot get it from the gateway")]
    Call(#[from] CallError),
    #[error("the manifest's hash gives {found}, not the id asked for")]
    WrongManifest { found: ModelId },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("this worker cannot run it: {0}")]
    Unsupported(String),
    #[error(
        "the artifact has {given_bytes} bytes and SHA-256 {given_sha256}; the manifest demands {bytes} and {sha256}"
    )]
    WrongArtifact { bytes: u64, sha256: String, given_bytes: usize, given_sha256: String },
    #[error("cannot use the model cache at {path}")]
    Cache { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}

impl FetchError {
    /// Whether trying again may help; the rest is fixed by the model's id.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Call(_)
                | Self::Cache { .. }
                | Self::WrongManifest { .. }
                | Self::WrongArtifact { .. }
        )
    }
}

/// The manifest, if these bytes are the ones that `id` names.
pub(crate) fn read_manifest(id: ModelId, bytes: &[u8]) -> Result<Manifest, FetchError> {
    let found = model_id(bytes);
    if found != id {
        return Err(FetchError::WrongManifest { found });
    }
    Ok(Manifest::parse(bytes)?)
}

/// What a manifest needs before it runs.
#[derive(Debug, PartialEq, Eq)]
enum Need<'a> {
    Nothing,
    Classifier(&'a Artifact),
}

fn need(manifest: &Manifest, have_onnx: bool) -> Result<Need<'_>, FetchError> {
    let no = |why: &str| Err(FetchError::Unsupported(why.to_owned()));
    match (manifest.runtime, manifest.preprocessing.as_deref(), &manifest.artifact) {
        (Runtime::Sha256, None, None) => Ok(Need::Nothing),
        (Runtime::Sha256, ..) => no("`sha256` takes neither artifact nor preprocessing"),
        (Runtime::Onnx, ..) if !have_onnx => no("no ONNX Runtime library is configured"),
        (Runtime::Onnx, Some(HASHED_NGRAMS), Some(artifact)) => {
            if artifact.bytes > ARTIFACT_BYTES_MAX {
                return no("its artifact is over 512 MiB");
            }
            // The hash becomes a file name, so it must be a hash before anything else is done with it.
            let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if artifact.sha256.len() != 64 || !artifact.sha256.bytes().all(lower_hex) {
                return no("its artifact's `sha256` is not 64 lower-case hex digits");
            }
            Ok(Need::Classifier(artifact))
        }
        (Runtime::Onnx, Some(HASHED_NGRAMS), None) => no("an ONNX model needs an artifact"),
        (Runtime::Onnx, other, _) => {
            no(&format!("preprocessing {other:?} is unknown; `{HASHED_NGRAMS}` is known"))
        }
    }
}

/// Everything needed to run model `id`, checked.
pub(crate) async fn fetch_model(
    gateway: &Gateway,
    cache_dir: &Path,
    onnx: Option<&Onnx>,
    id: ModelId,
) -> Result<(Manifest, Program), FetchError> {
    let manifest = read_manifest(id, &gateway.manifest(id).await?)?;
    let program = match (need(&manifest, onnx.is_some())?, onnx) {
        (Need::Classifier(artifact), Some(onnx)) => {
            let bytes = match from_cache(cache_dir, artifact) {
                Some(bytes) => bytes,
                None => download(gateway, cache_dir, id, artifact).await?,
            };
            let onnx = onnx.clone();
            let load = move || Classifier::load(&onnx, &bytes);
            let loaded = tokio::task::spawn_blocking(load).await;
            Program::Sentiment(loaded.map_err(|e| FetchError::Unsupported(e.to_string()))??)
        }
        _ => Program::Sha256,
    };
    Ok((manifest, program))
}

async fn download(
    gateway: &Gateway,
    cache_dir: &Path,
    id: ModelId,
    artifact: &Artifact,
) -> Result<Vec<u8>, FetchError> {
    let bytes_max = usize::try_from(artifact.bytes).unwrap_or(usize::MAX);
    let bytes = gateway.artifact(id, bytes_max).await?;
    check(artifact, &bytes)?;
    store(cache_dir, artifact, &bytes)
        .map_err(|source| FetchError::Cache { path: cache_dir.to_owned(), source })?;
    Ok(bytes)
}

fn check(artifact: &Artifact, bytes: &[u8]) -> Result<(), FetchError> {
    let given_sha256 = hex::encode(Sha256::digest(bytes));
    if u64::try_from(bytes.len()) == Ok(artifact.bytes) && given_sha256 == artifact.sha256 {
        return Ok(());
    }
    Err(FetchError::WrongArtifact {
        bytes: artifact.bytes,
        sha256: artifact.sha256.clone(),
        given_bytes: bytes.len(),
        given_sha256,
    })
}

/// The cached bytes, checked again: a disk may rot and a directory may be shared.
fn from_cache(cache_dir: &Path, artifact: &Artifact) -> Option<Vec<u8>> {
    let path = cache_dir.join(&artifact.sha256);
    if fs::metadata(&path).ok()?.len() != artifact.bytes {
        return None;
    }
    let bytes = fs::read(&path).ok()?;
    match check(artifact, &bytes) {
        Ok(()) => Some(bytes),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the cached artifact is corrupt; it is fetched again");
            None
        }
    }
}

fn store(cache_dir: &Path, artifact: &Artifact, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(cache_dir)?;
    let path = cache_dir.join(&artifact.sha256);
    // Two workers may share a cache: each writes its own file, and the rename is atomic.
    let own = cache_dir.join(format!("{}.{}", artifact.sha256, uuid::Uuid::new_v4().simple()));
    let mut file = File::create(&own)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let stored = written.and_then(|()| fs::rename(&own, &path));
    if stored.is_err() {
        let _gone = fs::remove_file(&own);
    }
    stored
}

#[cfg(test)]
mod tests;
