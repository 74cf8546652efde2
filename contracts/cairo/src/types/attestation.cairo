//! What a worker signs when it has run a job: the result, and the batch that carries many results.

use starknet::ContractAddress;

/// "I ran `model` on `input` for this lease of `job`, and it gave `output`."
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Attestation {
    pub job: felt252,
    /// The lease's epoch: a job that was leased again has a higher one.
    pub epoch: u128,
    pub model: felt252,
    /// The commitment of the input, by the model's scheme.
    pub input: felt252,
    /// The commitment of the output, by the model's scheme.
    pub output: felt252,
    /// The JobManager that this evidence is for.
    pub contract: ContractAddress,
    pub worker: ContractAddress,
}

/// The root over the attestations that one signature covers.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct AttestationBatch {
    pub root: felt252,
    pub count: u128,
    pub contract: ContractAddress,
    pub worker: ContractAddress,
}
