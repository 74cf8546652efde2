//! Where closed statements are signed, with the key that the chain was seen to accept as the operator's. Never
//! registers a key: that is a transaction, and the operator decides when.

use ciro_api::{Address, PublicKey, StatementId};
use ciro_contracts::{Chain, ChainError, JobManager};
use tokio_postgres::Client;

use crate::{
    StoreError,
    statements::{self, SignError, Signer},
};

/// Statements that were not signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The chain knows no key of the operator, or another one.
    #[error(
        "operator {operator} has registered {}, and statements would be signed with {ours}, so that no worker could \
         settle them: register it with `ciro operator register --job-manager {manager} …` from the operator's account",
        registered.map_or_else(|| "no key".to_owned(), |key| format!("the key {key}"))
    )]
    NotRegistered {
        /// Whose key.
        operator: Address,
        /// With whom it must be registered.
        manager: Address,
        /// What is registered.
        registered: Option<PublicKey>,
        /// What we would sign with.
        ours: PublicKey,
    },
    /// The chain did not answer or refused.
    #[error("could not look at the operator's registered key")]
    Chain(#[from] ChainError),
    /// The database did not answer or holds something impossible.
    #[error("could not take back what another key has signed")]
    Store(#[from] StoreError),
    /// The key is good, and something could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl SigningError {
    /// Whether the chain did not answer, so that nothing is known.
    pub fn is_chain_away(&self) -> bool {
        matches!(self, Self::Chain(error) if error.is_unreachable())
    }
}

/// A signer, and whether the chain was seen to accept its key.
#[derive(Debug)]
pub(super) struct SigningDesk {
    chain: Chain,
    manager: JobManager,
    signer: Signer,
    confirmed: bool,
}

impl SigningDesk {
    pub(super) fn new(chain: Chain, manager: JobManager, signer: Signer) -> Self {
        Self { chain, manager, signer, confirmed: false }
    }

    /// Makes sure, once, that the chain accepts the key. What an earlier key has signed is signed anew afterwards.
    pub(super) async fn confirm(&mut self, client: &Client) -> Result<(), SigningError> {
        if self.confirmed {
            return Ok(());
        }
        let (operator, ours) = (self.signer.operator(), self.signer.public_key());
        let registered = self.manager.operator_key(&self.chain, operator).await?;
        if registered != Some(ours) {
            let manager = self.manager.address;
            return Err(SigningError::NotRegistered { operator, manager, registered, ours });
        }
        let forgotten = statements::forget_other_keys(client, &self.signer).await?;
        if forgotten > 0 {
            tracing::warn!(forgotten, "the operator's key is another one: signing anew");
        }
        self.confirmed = true;
        Ok(())
    }

    /// Signs what is not signed. Whatever ended between closing and signing, the next round signs.
    pub(super) async fn sign(&mut self, client: &Client) -> Result<Vec<StatementId>, SigningError> {
        self.confirm(client).await?;
        Ok(statements::sign(client, &self.signer).await?)
    }
}
