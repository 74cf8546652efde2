//! Text classifiers in ONNX Runtime: ids in, three probabilities out.
//!
//! Runs on one thread per session, so that a sum has one order and a result one value.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ort::{
    environment::Environment,
    inputs,
    session::Session,
    value::{Outlet, Tensor},
};

use super::hashed_ngrams;

const INPUT: &str = "ids";
const OUTPUT: &str = "probabilities";

/// Why there is no runtime or no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OnnxError {
    #[error("cannot load ONNX Runtime from {path}: {detail}")]
    Library { path: PathBuf, detail: String },
    #[error("ONNX Runtime: {0}")]
    Runtime(#[from] ort::Error),
    #[error("the graph does not take `{INPUT}` and give `{OUTPUT}`: {0}")]
    Shape(String),
}

/// A process may have one environment, and a process may have two workers.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// ONNX Runtime, loaded.
#[derive(Clone, Debug)]
pub(crate) struct Onnx(Environment);

impl Onnx {
    pub(crate) fn load(path: &Path) -> Result<Self, OnnxError> {
        let mut known = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = known.as_ref() {
            return Ok(Self(environment.clone()));
        }
        let library = |detail: String| OnnxError::Library { path: path.to_owned(), detail };
        let builder = ort::init_from(path).map_err(|error| library(error.to_string()))?;
        let environment = builder.with_telemetry(false).build()?;
        *known = Some(environment.clone());
        Ok(Self(environment))
    }
}

/// A loaded graph that turns bucket ids into the probabilities of three classes.
#[derive(Debug)]
pub(crate) struct Classifier(Session);

impl Classifier {
    pub(crate) fn load(onnx: &Onnx, model: &[u8]) -> Result<Self, OnnxError> {
        let builder = Session::builder(&onnx.0)?;
        let builder = builder.with_intra_threads(1).map_err(ort::Error::from)?;
        let mut builder = builder.with_inter_threads(1).map_err(ort::Error::from)?;
        let session = builder.commit_from_memory(model)?;
        let inputs: Vec<&str> = session.inputs().iter().map(Outlet::name).collect();
        let outputs: Vec<&str> = session.outputs().iter().map(Outlet::name).collect();
        if inputs != [INPUT] || outputs != [OUTPUT] {
            return Err(OnnxError::Shape(format!("it takes {inputs:?} and gives {outputs:?}")));
        }
        Ok(Self(session))
    }

    /// One run over all texts, each row padded to the longest.
    pub(super) fn probabilities(&mut self, texts: &[&str]) -> Result<Vec<[f32; 3]>, OnnxError> {
        let rows: Vec<Vec<u64>> = texts.iter().map(|text| hashed_ngrams::features(text)).collect();
        let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut ids: Vec<i64> = Vec::with_capacity(rows.len() * width);
        for (row, end) in rows.iter().zip((1..).map(|row: usize| row * width)) {
            ids.extend(row.iter().filter_map(|id| i64::try_from(*id).ok()));
            ids.resize(end, 0);
        }
        let tensor = Tensor::from_array(([rows.len(), width], ids))?;
        let outputs = self.0.run(inputs![INPUT => tensor])?;
        let (_, flat) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
        let (found, rest) = flat.as_chunks::<3>();
        let sound = found.iter().flatten().all(|p| (0.0..=1.0).contains(p));
        if found.len() != texts.len() || !rest.is_empty() || !sound {
            return Err(OnnxError::Shape(format!("{} texts gave {flat:?}", texts.len())));
        }
        Ok(found.to_vec())
    }
}
