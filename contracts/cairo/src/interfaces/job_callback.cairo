//! What a contract that posts jobs may offer, to be handed their outputs.

#[starknet::interface]
pub trait IJobCallback<TState> {
    /// `output` is what the worker signed for `job`. Check that the caller is the JobManager.
    fn on_job_fulfilled(ref self: TState, job: felt252, output: ByteArray);
}
