//! What a worker signs to open a session with a gateway.

use starknet_rust_core::types::Felt;

use super::snip12::TypedStruct;
use crate::felt::{Address, Digest};

/// The answer to a gateway's challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLogin {
    /// The worker's account.
    pub worker: Address,
    /// The gateway's single-use challenge.
    pub challenge: Digest,
    /// The `JobManager` of this network, so that a login elsewhere is worth nothing here.
    pub contract: Address,
}

impl TypedStruct for WorkerLogin {
    const TYPE: &'static str = concat!(
        r#""WorkerLogin"("Worker":"ContractAddress","Challenge":"felt","#,
        r#""Contract":"ContractAddress")"#
    );

    fn fields(&self) -> Vec<Felt> {
        vec![self.worker.0, self.challenge.0, self.contract.0]
    }
}
