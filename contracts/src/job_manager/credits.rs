//! CIRO credits: what a worker gets beside its pay.

use ciro_api::Address;
use starknet_rust::core::types::Call;

use super::JobManager;
use crate::chain::{Chain, ChainError};

impl JobManager {
    /// Mints what is due to `worker`.
    pub fn mint_credits(self, worker: Address) -> Call {
        self.call("mint_credits", vec![worker.0])
    }

    /// The token contract.
    pub async fn credits(self, chain: &Chain) -> Result<Address, ChainError> {
        self.felt(chain, "credits", Vec::new()).await.map(Address)
    }
}
