//! What proves to the contracts that a worker claimed a result.

use ciro_api::{
    Felt, JobId, PublicKey, Signature, felt::Digest, hash::attestation::Attestation, rest::jobs,
};

/// An attestation, its place in the batch that its worker signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was claimed.
    pub attestation: Attestation,
    /// Its place among the leaves.
    pub index: u64,
    /// How many leaves there are.
    pub count: u64,
    /// The siblings from the leaf upwards.
    pub path: Vec<Digest>,
    /// The key that signed: the worker's current one, or one it had before.
    pub public_key: PublicKey,
    /// Of the batch.
    pub signature: Signature,
}

impl Evidence {
    /// What a gateway hands out with the result of `job`, in the contracts' form.
    pub fn of(job: JobId, given: &jobs::Evidence) -> Self {
        let attestation = Attestation {
            job: job.into(),
            epoch: given.epoch,
            model: given.model,
            input: given.input,
            output: given.output,
            contract: given.contract,
            worker: given.worker,
        };
        Self {
            attestation,
            index: given.index,
            count: given.count,
            path: given.path.clone(),
            public_key: given.public_key,
            signature: given.signature,
        }
    }

    pub(crate) fn felts(&self) -> Vec<Felt> {
        let Attestation { job, epoch, model, input, output, contract, worker } = self.attestation;
        let mut felts = vec![
            job.0,
            Felt::from(epoch),
            model.0,
            input.0,
            output.0,
            contract.0,
            worker.0,
            Felt::from(self.index),
            Felt::from(self.count),
            Felt::from(self.path.len()),
        ];
        felts.extend(self.path.iter().map(|node| node.0));
        felts.extend([self.public_key.0, self.signature.r.0, self.signature.s.0]);
        felts
    }
}
