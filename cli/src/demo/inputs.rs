//! What the demo runs: the hash of a real file, and human-rated sentences.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use ciro_api::rest::{
    Base64,
    jobs::{CreateJob, JobInput},
};
use sha2::{Digest, Sha256};

use super::Done;

/// The model's registered size.
const FILE_BYTES_MAX: usize = 8_192;
/// From each of the four corpora.
const PER_CORPUS: usize = 25;
const CORPORA: [&str; 4] =
    ["movieReviewSnippets", "amazonReviewSnippets", "tweets", "nytEditorialSnippets"];

/// The file that is hashed: the licence, compiled in, so that the demo needs no path.
const FILE: (&str, &[u8]) = ("LICENSE", include_bytes!("../../../LICENSE"));

/// A job with what a person knows about its input.
pub(super) struct Request {
    pub(super) body: CreateJob,
    pub(super) label: String,
    /// The people's mean rating in [-4, 4], where there is one.
    pub(super) rating: Option<f64>,
}

/// One file, "Hello world" and a hundred sentences.
pub(super) fn choose(corpora_dir: &Path) -> anyhow::Result<Vec<Request>> {
    if FILE.1.len() > FILE_BYTES_MAX {
        bail!("{} has {} bytes; the sha256 model takes {FILE_BYTES_MAX}", FILE.0, FILE.1.len());
    }
    let mut requests = vec![sha256(FILE.0, FILE.1), sentiment("Hello world", None)];
    for corpus in CORPORA {
        requests.extend(sentences(corpora_dir, corpus)?);
    }
    Ok(requests)
}

/// A hash job.
pub(super) fn sha256(label: &str, bytes: &[u8]) -> Request {
    Request {
        body: job("ciro/sha256@1", JobInput::Data(Base64(bytes.to_vec()))),
        label: format!("file {label} ({} bytes)", bytes.len()),
        rating: None,
    }
}

fn sentiment(text: &str, rating: Option<f64>) -> Request {
    Request {
        body: job("ciro/sentiment@1", JobInput::Text(text.to_owned())),
        label: text.to_owned(),
        rating,
    }
}

fn job(model: &str, input: JobInput) -> CreateJob {
    CreateJob {
        model: model.to_owned(),
        input,
        start_within_ms: None,
        run_within_ms: None,
        delay_ms: None,
        priority: None,
        webhook: None,
    }
}

/// Sentences spread evenly over a corpus.
fn sentences(dir: &Path, corpus: &str) -> anyhow::Result<Vec<Request>> {
    let path = dir.join(format!("{corpus}_GroundTruth.txt"));
    let bytes =
        fs::read(&path).with_context(|| format!("reading {}; run `make tools`", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let step = (lines.len() / PER_CORPUS).max(1);
    let parse = |line: &&str| {
        let mut fields = line.splitn(3, '\t').skip(1);
        let rating = fields.next()?.trim().parse().ok()?;
        Some(sentiment(fields.next()?.trim(), Some(rating)))
    };
    let chosen: Vec<Request> =
        lines.iter().step_by(step).filter_map(parse).take(PER_CORPUS).collect();
    if chosen.len() < PER_CORPUS {
        bail!("{} holds only {} readable sentences", path.display(), chosen.len());
    }
    Ok(chosen)
}

/// The label that a sentiment job came to.
pub(super) fn sentiment_label(done: &Done) -> Option<&str> {
    done.job.output.as_ref()?.json.as_ref()?.get("label")?.as_str()
}

/// What must be right for the demo to pass: the hash, bit for bit, and "Hello world".
pub(super) fn check(done: &[Done]) -> anyhow::Result<()> {
    let expected = hex::encode(Sha256::digest(FILE.1));
    let hash =
        done.iter().find(|d| d.request.body.model == "ciro/sha256@1").context("no hash job ran")?;
    let given = hash.job.output.as_ref().and_then(|o| o.hex.as_deref());
    if given != Some(expected.as_str()) {
        bail!("the worker says that SHA-256 of {} is {given:?}; it is {expected}", FILE.0);
    }
    let hello =
        done.iter().find(|d| d.request.label == "Hello world").context("no greeting ran")?;
    if !matches!(sentiment_label(hello), Some("positive" | "neutral")) {
        bail!("`Hello world` came out as {:?}", sentiment_label(hello));
    }
    Ok(())
}
