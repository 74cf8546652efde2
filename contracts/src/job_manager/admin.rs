//! The two roles and what they may do.

use ciro_api::{Address, Felt};
use starknet_rust::core::types::Call;

use super::JobManager;
use crate::chain::{Chain, ChainError};

/// A role. Neither can touch a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Registers models.
    Registrar,
    /// Pauses settlement for a while.
    Guardian,
}

impl Role {
    /// The place in the contract's enum.
    fn felt(self) -> Felt {
        match self {
            Self::Registrar => Felt::ZERO,
            Self::Guardian => Felt::ONE,
        }
    }
}

impl JobManager {
    /// Offers the caller's role to `to`; the zero address withdraws the offer.
    pub fn propose_handover(self, role: Role, to: Address) -> Call {
        self.call("propose_handover", vec![role.felt(), to.0])
    }

    /// Takes over a role that was offered to the caller, after the delay.
    pub fn accept_handover(self, role: Role) -> Call {
        self.call("accept_handover", vec![role.felt()])
    }

    /// Stops new settlements, posts and fulfilments for one challenge window; only the guardian may.
    pub fn pause(self) -> Call {
        self.call("pause", Vec::new())
    }

    /// Ends a pause early; only the guardian may.
    pub fn unpause(self) -> Call {
        self.call("unpause", Vec::new())
    }

    /// Who holds the role.
    pub async fn holder_of(self, chain: &Chain, role: Role) -> Result<Address, ChainError> {
        self.felt(chain, "holder_of", vec![role.felt()]).await.map(Address)
    }
}
