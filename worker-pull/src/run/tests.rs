use std::path::PathBuf;

use ciro_api::{Felt, hash::commitment::commit, rest::leases::Lease};
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::attest::tests::fence;

#[derive(Deserialize)]
pub(super) struct Tools {
    onnxruntime_lib: PathBuf,
    pub(super) corpora_dir: PathBuf,
}

/// Where `make tools` puts ONNX Runtime, unless the environment says otherwise.
fn onnxruntime_lib() -> PathBuf {
    std::env::var_os("CIRO_ONNXRUNTIME_LIB").map_or_else(|| tools().onnxruntime_lib, PathBuf::from)
}

pub(super) fn tools() -> Tools {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let tools = std::env::var_os("CIRO_TOOLS")
        .map_or(home.join(".cache/ciro-network/tools"), PathBuf::from);
    let text = std::fs::read(tools.join("tools.json")).expect("run `make tools` first");
    serde_json::from_slice(&text).unwrap()
}

pub(super) fn sentiment() -> Program {
    let onnx = Onnx::load(&onnxruntime_lib()).unwrap();
    let model = include_bytes!("../../models/sentiment/model.onnx");
    Program::Sentiment(Classifier::load(&onnx, model).unwrap())
}

fn run_one(program: &mut Program, text: &[u8]) -> Result<Vec<u8>, RunError> {
    program.run(&[text]).pop().unwrap()
}

#[derive(Deserialize)]
struct Vector {
    text: String,
    repeat: Option<usize>,
    probabilities: [f64; 3],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    label: String,
    confidence: f64,
    probabilities: Probabilities,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probabilities {
    negative: f64,
    neutral: f64,
    positive: f64,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../models/sentiment/vectors.json")).unwrap()
}

fn vector_texts() -> Vec<String> {
    vectors().iter().map(|vector| vector.text.repeat(vector.repeat.unwrap_or(1))).collect()
}

#[test]
fn the_committed_model_gives_the_probabilities_of_its_vectors() {
    let mut program = sentiment();
    for (vector, text) in vectors().iter().zip(vector_texts()) {
        let bytes = run_one(&mut program, text.as_bytes()).unwrap();
        let found: Document = serde_json::from_slice(&bytes).unwrap();
        let Probabilities { negative, neutral, positive } = found.probabilities;
        for (found, expected) in [negative, neutral, positive].into_iter().zip(vector.probabilities)
        {
            assert!(
                (found - expected).abs() < 1.5e-4,
                "{:?}: {found} is not {expected}",
                vector.text
            );
        }
        let confidence = found.confidence;
        assert!([negative, neutral, positive].iter().all(|p| *p <= confidence), "{}", vector.text);
    }
}

#[test]
fn hello_world_and_obvious_texts_get_their_label() {
    let mut program = sentiment();
    for (text, label) in
        [("Hello world", "positive"), ("I love this", "positive"), ("This is terrible", "negative")]
    {
        let bytes = run_one(&mut program, text.as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Document>(&bytes).unwrap().label, label, "{text}");
    }
}

#[test]
fn a_batch_gives_the_same_bytes_as_single_runs() {
    let mut program = sentiment();
    let texts = vector_texts();
    let inputs: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let batch = program.run(&inputs);
    for (input, result) in inputs.iter().zip(batch) {
        assert_eq!(run_one(&mut program, input).unwrap(), result.unwrap());
    }
}

#[test]
fn text_that_is_not_utf8_fails_alone_and_at_the_right_byte() {
    let mut program = sentiment();
    let results = program.run(&[b"I love this", b"bad \xff byte", b"", b"This is terrible"]);
    assert_eq!(results[1], Err(RunError::NotUtf8(4)));
    assert_eq!(results[0], run_one(&mut program, b"I love this"));
    assert_eq!(results[2], run_one(&mut program, b""));
    assert_eq!(results[3], run_one(&mut program, b"This is terrible"));
}

#[test]
fn a_graph_that_is_no_graph_is_an_error_and_not_a_crash() {
    let onnx = Onnx::load(&onnxruntime_lib()).unwrap();
    assert!(Classifier::load(&onnx, b"not a model").is_err());
    assert!(
        Onnx::load(&onnxruntime_lib()).is_ok(),
        "a second worker in the process shares the runtime"
    );
}

#[test]
fn a_panic_becomes_the_failure_of_its_job() {
    let panic = catch_unwind(|| panic!("weights on fire")).unwrap_err();
    assert_eq!(panicked(&*panic), RunError::Panic("weights on fire".to_owned()));
}

#[tokio::test]
async fn a_models_thread_runs_what_is_leased_and_skips_what_is_lost() {
    let held = Arc::new(Held::default());
    let (outcomes, mut finished) = mpsc::unbounded_channel();
    let model = ModelId(Felt::from(5_u8));
    let own = Arc::clone(&held);
    let (name, scheme) = ("ciro/sha256@1".to_owned(), Scheme::Poseidon);
    let bench = Bench { model, name, scheme, program: Program::Sha256, held: own, outcomes };
    let tasks = bench.start().unwrap();
    let slots = Arc::new(Semaphore::new(2));
    let now = Instant::now();
    let lease = Lease {
        fence: fence(2, 1),
        model,
        input: ciro_api::rest::Base64(b"abc".to_vec()),
        price_fri: Fri(7),
        ttl_ms: 30_000,
        run_within_ms: 60_000,
        trace: None,
    };
    held.take(&lease, now, now);
    for job in [1, 2] {
        let slot = Arc::clone(&slots).acquire_owned().await.unwrap();
        let (fence, input) = (fence(job, 1), b"abc".to_vec());
        tasks.send(Task { fence, input, amount_fri: Fri(7), slot }).unwrap();
    }
    let outcome = finished.recv().await.unwrap();
    assert_eq!(outcome.fence, fence(2, 1), "job 1 is not held any more");
    let result = outcome.result.unwrap();
    assert_eq!(result.output, sha256::run(b"abc"));
    assert_eq!(result.input, commit(Scheme::Poseidon, b"abc"));
    assert_eq!(result.output_commitment, commit(Scheme::Poseidon, &result.output));
    assert_eq!(slots.available_permits(), 1, "a slot is held until its result is signed");
    drop(tasks);
    assert!(finished.recv().await.is_none(), "the thread ends with its last sender");
}
