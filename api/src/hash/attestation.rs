//! The attestation: who says that which model made which output from which input, for which lease.

use starknet_rust_core::types::Felt;

use super::snip12::TypedStruct;
use crate::{
    felt::{Address, Commitment, ModelId},
    id::AttestedJob,
};

/// A worker's claim about one run. Signed in batches; see [`super::batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The job that was run.
    pub job: AttestedJob,
    /// The lease epoch it was run under; zero for a job on chain, which is not leased.
    pub epoch: u64,
    /// The registered model.
    pub model: ModelId,
    /// Commitment to the canonical input bytes.
    pub input: Commitment,
    /// Commitment to the canonical output bytes.
    pub output: Commitment,
    /// The `JobManager` that may judge it.
    pub contract: Address,
    /// The worker's account.
    pub worker: Address,
}

impl TypedStruct for Attestation {
    const TYPE: &'static str = concat!(
        r#""Attestation"("Job":"felt","Epoch":"u128","Model":"felt","Input":"felt","#,
        r#""Output":"felt","Contract":"ContractAddress","Worker":"ContractAddress")"#
    );

    fn fields(&self) -> Vec<Felt> {
        vec![
            self.job.0,
            Felt::from(self.epoch),
            self.model.0,
            self.input.0,
            self.output.0,
            self.contract.0,
            self.worker.0,
        ]
    }
}
