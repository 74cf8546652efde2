//! The jobs that every queue is given: 100 bytes of text each, different in every job, to be hashed.

use hyper::body::Bytes;
use serde_json::{Value, json};

/// What is posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jobs {
    /// Everything in them comes from it.
    pub(crate) seed: u64,
    /// Which of them are these: numbers of different series never meet.
    pub(crate) series: u64,
    /// The model's name.
    pub(crate) model: &'static str,
}

impl Jobs {
    /// Of the model that everything is measured with.
    pub(crate) fn of(seed: u64, series: u64) -> Self {
        Self { seed, series, model: "ciro/sha256@1" }
    }

    /// The input of the `number`-th.
    fn input(&self, number: u64) -> String {
        let Self { seed, series, .. } = self;
        format!("{:.<100}", format!("{number:012} {seed:016x} {series:04}"))
    }

    /// Which job has this input.
    pub(crate) fn number_of(input: &[u8]) -> Option<u64> {
        std::str::from_utf8(input.get(..12)?).ok()?.parse().ok()
    }

    fn job(&self, number: u64) -> Value {
        json!({ "model": self.model, "input": { "text": self.input(number) } })
    }

    /// The idempotency key of the `number`-th.
    pub(crate) fn key(&self, number: u64) -> String {
        format!("{}-{number}", self.series)
    }

    /// The body of one job.
    pub(crate) fn single(&self, number: u64) -> Bytes {
        self.job(number).to_string().into()
    }

    /// The body of a batch of the jobs from `first` on.
    pub(crate) fn batch(&self, first: u64, count: usize) -> Bytes {
        let items: Vec<Value> = (first..)
            .take(count)
            .map(|number| json!({ "idempotency_key": self.key(number), "job": self.job(number) }))
            .collect();
        json!({ "items": items }).to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_has_100_bytes_and_names_its_job() {
        let input = Jobs::of(7, 3).input(41);
        assert_eq!(input.len(), 100);
        assert_eq!(Jobs::number_of(input.as_bytes()), Some(41));
        assert_eq!(Jobs::number_of(b"short"), None);
    }
}
