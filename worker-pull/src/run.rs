//! Runs jobs: one thread per model, everything that waits for the same model in one run.
//!
//! Never lets an input, an error or a panic of a run end the worker: it fails that job.

mod hashed_ngrams;
mod onnx;
mod sentiment;
mod sha256;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc as thread_mpsc},
    thread,
};

use ciro_api::{
    Fri, ModelId, Scheme, hash::commitment::commit, limits::OUTPUT_BYTES_MAX,
    rest::leases::LeaseRef,
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc::UnboundedSender},
    time::Instant,
};

pub(crate) use self::onnx::{Classifier, Onnx, OnnxError};
use crate::{attest::Finished, keep_lease::Held, observe};

/// Most jobs in one run: past this, padding and memory cost more than a second run.
const RUN_JOBS_MAX: usize = 32;

/// A leased job on its way to a model's thread. The slot is free again when its result is signed.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) fence: LeaseRef,
    pub(crate) input: Vec<u8>,
    pub(crate) amount_fri: Fri,
    pub(crate) slot: OwnedSemaphorePermit,
}

/// What became of a task.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) fence: LeaseRef,
    pub(crate) result: Result<Finished, RunError>,
    pub(crate) slot: OwnedSemaphorePermit,
}

/// Why a run gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    #[error("the input is not valid UTF-8 from byte {0} on")]
    NotUtf8(usize),
    #[error("the output has {0} bytes; at most {OUTPUT_BYTES_MAX} are allowed")]
    OutputTooLarge(usize),
    #[error("the model failed: {0}")]
    Model(String),
    #[error("the model's code panicked: {0}")]
    Panic(String),
}

/// What a model's manifest asks to run.
#[derive(Debug)]
pub(crate) enum Program {
    Sha256,
    Sentiment(Classifier),
}

impl Program {
    /// One result per input, in order.
    pub(crate) fn run(&mut self, inputs: &[&[u8]]) -> Vec<Result<Vec<u8>, RunError>> {
        match self {
            Self::Sha256 => inputs.iter().map(|input| Ok(sha256::run(input))).collect(),
            Self::Sentiment(classifier) => classify(classifier, inputs),
        }
    }
}

fn classify(classifier: &mut Classifier, inputs: &[&[u8]]) -> Vec<Result<Vec<u8>, RunError>> {
    let not_utf8 = |error: std::str::Utf8Error| RunError::NotUtf8(error.valid_up_to());
    let parsed: Vec<Result<&str, RunError>> =
        inputs.iter().map(|input| std::str::from_utf8(input).map_err(not_utf8)).collect();
    let texts: Vec<&str> = parsed.iter().filter_map(|text| text.as_ref().ok().copied()).collect();
    let mut probabilities = match classifier.probabilities(&texts) {
        Ok(all) => all.into_iter().map(Ok).collect::<Vec<_>>().into_iter(),
        // One poisonous text must not take the others with it.
        Err(_) if texts.len() > 1 => {
            let alone = |text: &&str| classifier.probabilities(&[*text]);
            let singly = texts.iter().map(alone).map(|found| found.map(|rows| rows[0]));
            singly.collect::<Vec<_>>().into_iter()
        }
        Err(error) => vec![Err(error)].into_iter(),
    };
    let missing = || Err(OnnxError::Shape("no row for this text".to_owned()));
    let document = |parsed: Result<&str, RunError>| {
        parsed?;
        let found = probabilities.next().unwrap_or_else(missing);
        found.map(sentiment::document).map_err(|error| RunError::Model(error.to_string()))
    };
    parsed.into_iter().map(document).collect()
}

/// A model's thread: everything it needs to turn tasks into outcomes.
pub(crate) struct Bench {
    pub(crate) model: ModelId,
    /// What people call the model.
    pub(crate) name: String,
    pub(crate) scheme: Scheme,
    pub(crate) program: Program,
    pub(crate) held: Arc<Held>,
    pub(crate) outcomes: UnboundedSender<Outcome>,
}

impl Bench {
    /// Starts the thread. It ends when every sender of tasks is gone.
    pub(crate) fn start(mut self) -> std::io::Result<thread_mpsc::Sender<Task>> {
        let (sender, tasks) = thread_mpsc::channel::<Task>();
        let name = format!("run {:.12}", self.model.to_string());
        thread::Builder::new().name(name).spawn(move || {
            while let Ok(first) = tasks.recv() {
                let more = tasks.try_iter().take(RUN_JOBS_MAX - 1);
                self.run(std::iter::once(first).chain(more).collect());
            }
        })?;
        Ok(sender)
    }

    fn run(&mut self, tasks: Vec<Task>) {
        let now = Instant::now();
        // A lease lost while waiting is not worth a run; dropping the task frees its slot.
        let tasks: Vec<Task> =
            tasks.into_iter().filter(|task| self.held.may_go_on(task.fence, now)).collect();
        if tasks.is_empty() {
            return;
        }
        let inputs: Vec<&[u8]> = tasks.iter().map(|task| task.input.as_slice()).collect();
        let span = tracing::info_span!("run", model = self.name, jobs = tasks.len());
        // Several jobs of several traces share a run, and their requests are closed: links, not a parent.
        for trace in tasks.iter().filter_map(|task| self.held.trace(task.fence)) {
            ciro_telemetry::link(&span, &trace);
        }
        let results = span.in_scope(|| guarded(&mut self.program, &inputs));
        drop(span);
        let done = results.iter().filter(|result| result.is_ok()).count();
        observe::ran(&self.name, done, results.len() - done, now.elapsed());
        for (task, result) in tasks.into_iter().zip(results) {
            let Task { fence, input, amount_fri, slot } = task;
            let result = result.and_then(|output| self.finish(fence, &input, output, amount_fri));
            // The receiver is gone only when the worker has given up draining; the lease then runs out.
            let _unheard = self.outcomes.send(Outcome { fence, result, slot });
        }
    }

    fn finish(
        &self,
        fence: LeaseRef,
        input: &[u8],
        output: Vec<u8>,
        amount_fri: Fri,
    ) -> Result<Finished, RunError> {
        if output.len() > OUTPUT_BYTES_MAX {
            return Err(RunError::OutputTooLarge(output.len()));
        }
        let (model, scheme) = (self.model, self.scheme);
        let output_commitment = commit(scheme, &output);
        let input = commit(scheme, input);
        Ok(Finished { fence, model, input, output, output_commitment, amount_fri })
    }
}

fn guarded(program: &mut Program, inputs: &[&[u8]]) -> Vec<Result<Vec<u8>, RunError>> {
    let run = |program: &mut Program, inputs: &[&[u8]]| {
        catch_unwind(AssertUnwindSafe(|| program.run(inputs)))
    };
    match run(program, inputs) {
        Ok(results) => results,
        Err(_) if inputs.len() > 1 => inputs
            .iter()
            .flat_map(|input| {
                run(program, &[input]).unwrap_or_else(|panic| vec![Err(panicked(&*panic))])
            })
            .collect(),
        Err(panic) => vec![Err(panicked(&*panic))],
    }
}

fn panicked(panic: &(dyn Any + Send)) -> RunError {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    RunError::Panic(text.unwrap_or_else(|| "no message".to_owned()))
}

#[cfg(test)]
mod held_out;
#[cfg(test)]
mod tests;
