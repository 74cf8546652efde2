use std::os::unix::fs::MetadataExt;

use super::*;

const SHA256: &[u8] = include_bytes!("../../models/sha256/manifest.json");
const SENTIMENT: &[u8] = include_bytes!("../../models/sentiment/manifest.json");

fn artifact_of(bytes: &[u8]) -> Artifact {
    let sha256 = hex::encode(Sha256::digest(bytes));
    Artifact { bytes: u64::try_from(bytes.len()).unwrap(), sha256 }
}

fn sentiment_with(change: impl Fn(&mut Manifest)) -> Manifest {
    let mut manifest = Manifest::parse(SENTIMENT).unwrap();
    change(&mut manifest);
    manifest
}

#[test]
fn the_committed_manifests_are_offered() {
    for bytes in [SHA256, SENTIMENT] {
        let manifest = read_manifest(model_id(bytes), bytes).unwrap();
        assert!(need(&manifest, true).is_ok());
    }
}

#[test]
fn a_manifest_with_one_other_byte_is_refused() {
    let mut bytes = SHA256.to_vec();
    bytes.push(b'\n');
    let error = read_manifest(model_id(SHA256), &bytes).unwrap_err();
    assert!(matches!(error, FetchError::WrongManifest { .. }), "{error}");
}

#[test]
fn a_runtime_that_this_worker_does_not_know_is_not_offered() {
    let text = std::str::from_utf8(SHA256)
        .unwrap()
        .replace(r#""runtime":"sha256""#, r#""runtime":"wasm""#);
    let error = read_manifest(model_id(text.as_bytes()), text.as_bytes()).unwrap_err();
    assert!(matches!(error, FetchError::Manifest(_)) && !error.is_passing(), "{error}");
}

#[test]
fn what_this_worker_cannot_run_is_not_offered() {
    let unknown = sentiment_with(|m| m.preprocessing = Some("bytes-v9".to_owned()));
    let missing = sentiment_with(|m| m.preprocessing = None);
    let bare = sentiment_with(|m| m.artifact = None);
    for manifest in [unknown, missing, bare] {
        assert!(matches!(need(&manifest, true), Err(FetchError::Unsupported(_))), "{manifest:?}");
    }
    let sentiment = sentiment_with(|_| {});
    assert!(matches!(need(&sentiment, false), Err(FetchError::Unsupported(_))));
}

#[test]
fn a_hash_that_is_a_path_never_becomes_a_file_name() {
    for bad in ["../../../../etc/passwd", "", "ABCDEF", &"A".repeat(64), &"/".repeat(64)] {
        let manifest = sentiment_with(|m| m.artifact.as_mut().unwrap().sha256 = bad.to_owned());
        assert!(matches!(need(&manifest, true), Err(FetchError::Unsupported(_))), "{bad}");
    }
}

#[test]
fn an_artifact_over_the_bound_is_not_even_asked_for() {
    let huge = sentiment_with(|m| m.artifact.as_mut().unwrap().bytes = ARTIFACT_BYTES_MAX + 1);
    assert!(need(&huge, true).is_err());
}

#[test]
fn an_artifact_with_another_hash_or_length_is_refused() {
    let artifact = artifact_of(b"weights");
    assert!(check(&artifact, b"weights").is_ok());
    for wrong in [b"weighty".as_slice(), b"weights ", b""] {
        assert!(matches!(check(&artifact, wrong), Err(FetchError::WrongArtifact { .. })));
    }
    let lying = Artifact { bytes: 8, ..artifact };
    assert!(check(&lying, b"weights").is_err());
}

#[test]
fn a_cached_artifact_is_used_while_it_is_whole_and_fetched_again_when_not() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("models");
    let artifact = artifact_of(b"weights");
    assert_eq!(from_cache(&cache, &artifact), None);
    store(&cache, &artifact, b"weights").unwrap();
    assert_eq!(from_cache(&cache, &artifact).as_deref(), Some(b"weights".as_slice()));
    let path = cache.join(&artifact.sha256);
    for corrupt in [b"weightz".as_slice(), b"weight", b"weights and more"] {
        fs::write(&path, corrupt).unwrap();
        assert_eq!(from_cache(&cache, &artifact), None);
    }
    store(&cache, &artifact, b"weights").unwrap();
    assert_eq!(from_cache(&cache, &artifact).as_deref(), Some(b"weights".as_slice()));
    assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "no half-written file is left");
}
