//! An account that we may sign for: signs, sends, waits. Never repeats a transaction on its own account:
//! whoever needs that keeps the [`SignedTransaction`] and broadcasts it again.

mod bounds;
mod simulate;

use std::time::Duration;

use ciro_api::{Address, Felt, TxHash};
use serde::{Deserialize, Serialize};
use starknet_rust::{
    accounts::{
        Account, AccountError as LibraryError, ConnectedAccount, ExecutionEncoding,
        SingleOwnerAccount, single_owner::SignError as LibrarySignError,
    },
    core::types::{BroadcastedInvokeTransaction, Call},
    providers::{JsonRpcClient, Provider},
};

use crate::{
    chain::{Chain, ChainError, Nodes},
    classes::Class,
    private_key::PrivateKey,
    signer::{AccountSigner, SignerError},
};

pub use bounds::ResourceBounds;
pub use simulate::{Effects, Simulation, Validation};

/// How long an acceptance may take: many block times of mainnet.
const PATIENCE: Duration = Duration::from_mins(2);

type Inner = SingleOwnerAccount<std::sync::Arc<JsonRpcClient<Nodes>>, AccountSigner>;

/// An account contract and the one key that signs for it, wherever that is.
#[derive(Clone)]
pub struct KeyedAccount {
    chain: Chain,
    inner: Inner,
    address: Address,
}

impl std::fmt::Debug for KeyedAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyedAccount").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A transaction that is complete: broadcasting it twice is broadcasting the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTransaction {
    /// Its hash, known before anybody has seen it.
    pub hash: TxHash,
    /// The account's nonce that it uses up.
    pub nonce: u64,
    /// What goes over the wire.
    pub body: BroadcastedInvokeTransaction,
}

/// A transaction that could not be made or did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The chain did not answer or refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// No signature was to be had.
    #[error("could not sign the transaction")]
    Sign(#[from] SignerError),
    /// A class that has no hash.
    #[error("could not compute the hash of a class")]
    ClassHash,
    /// The fee estimate leaves no room for a safety margin.
    #[error("the fee estimate is out of range")]
    Fee,
}

impl KeyedAccount {
    /// The account at `address` on `chain`; nothing is sent yet.
    pub fn new(chain: Chain, address: Address, key: &PrivateKey) -> Self {
        Self::signed_by(chain, address, key.into())
    }

    /// The same, of whoever signs for it.
    pub fn signed_by(chain: Chain, address: Address, signer: AccountSigner) -> Self {
        let chain_id = chain.chain_id().0;
        let encoding = ExecutionEncoding::New;
        let inner = SingleOwnerAccount::new(chain.client(), signer, address.0, chain_id, encoding);
        Self { chain, inner, address }
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The chain it acts on.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The nonce of its next transaction, pre-confirmed ones counted.
    pub async fn nonce(&self) -> Result<u64, AccountError> {
        const DOING: &str = "read our account's nonce";
        let nonce = self.chain.ask(DOING, self.inner.get_nonce()).await?;
        u64::try_from(nonce).map_err(|_| {
            let detail = "the nonce is out of range".to_owned();
            ChainError::Unexpected { doing: DOING, detail }.into()
        })
    }

    /// Estimates, signs and hashes; sends nothing.
    pub async fn prepare(
        &self,
        calls: Vec<Call>,
        nonce: u64,
    ) -> Result<SignedTransaction, AccountError> {
        let estimate = self.inner.execute_v3(calls.clone()).nonce(Felt::from(nonce));
        let fee = self.library("estimate a transaction's fee", estimate.estimate_fee()).await?;
        self.sign(calls, nonce, &ResourceBounds::of(&fee)?, 0).await
    }

    /// Signs and hashes within bounds that are known; asks nobody.
    pub async fn sign(
        &self,
        calls: Vec<Call>,
        nonce: u64,
        bounds: &ResourceBounds,
        tip_fri: u64,
    ) -> Result<SignedTransaction, AccountError> {
        let prepared = self
            .inner
            .execute_v3(calls)
            .nonce(Felt::from(nonce))
            .l1_gas(bounds.l1_gas)
            .l1_gas_price(bounds.l1_gas_price_fri)
            .l2_gas(bounds.l2_gas)
            .l2_gas_price(bounds.l2_gas_price_fri)
            .l1_data_gas(bounds.l1_data_gas)
            .l1_data_gas_price(bounds.l1_data_gas_price_fri)
            .tip(tip_fri)
            .prepared()
            .map_err(|_| AccountError::Fee)?;
        let body = prepared.get_invoke_request(false, false).await.map_err(unsigned)?;
        Ok(SignedTransaction { hash: TxHash(prepared.transaction_hash(false)), nonce, body })
    }

    /// Hands a transaction to the chain. Says nothing about what becomes of it.
    pub async fn broadcast(&self, transaction: &SignedTransaction) -> Result<(), ChainError> {
        let request = self.inner.provider().add_invoke_transaction(&transaction.body);
        let sent = self.chain.ask("send a transaction", request).await?;
        if sent.transaction_hash == transaction.hash.0 {
            return Ok(());
        }
        Err(ChainError::Unexpected {
            doing: "send a transaction",
            detail: format!(
                "the chain calls it {:#x} and we {}",
                sent.transaction_hash, transaction.hash
            ),
        })
    }

    /// Sends calls as one transaction and waits until it has succeeded.
    pub async fn execute(&self, calls: Vec<Call>) -> Result<TxHash, AccountError> {
        let transaction = self.prepare(calls, self.nonce().await?).await?;
        self.broadcast(&transaction).await?;
        self.chain.wait_for(transaction.hash, PATIENCE).await?;
        Ok(transaction.hash)
    }

    /// Declares a class and waits until it is there.
    pub(crate) async fn declare(&self, class: &Class) -> Result<(), AccountError> {
        let sierra = std::sync::Arc::clone(&class.sierra);
        let declaration = self.inner.declare_v3(sierra, class.compiled_hash);
        let sent = self.library("declare a class", declaration.send()).await?;
        self.chain.wait_for(TxHash(sent.transaction_hash), PATIENCE).await?;
        Ok(())
    }

    async fn library<T>(
        &self,
        doing: &'static str,
        request: impl Future<Output = Result<T, LibraryError<LibrarySignError<SignerError>>>>,
    ) -> Result<T, AccountError> {
        // Compiling a declared class takes the node seconds, so the limit is the long one.
        match tokio::time::timeout(PATIENCE, request).await {
            Err(_) => Err(ChainError::Timeout { doing, after: PATIENCE }.into()),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(LibraryError::Provider(error))) => Err(self.chain.explain(doing, error).into()),
            Ok(Err(LibraryError::FeeOutOfRange)) => Err(AccountError::Fee),
            Ok(Err(LibraryError::Signing(error))) => Err(unsigned(error)),
            Ok(Err(LibraryError::ClassHashCalculation(_))) => Err(AccountError::ClassHash),
        }
    }
}

fn unsigned(error: LibrarySignError<SignerError>) -> AccountError {
    match error {
        LibrarySignError::Signer(error) => error.into(),
        LibrarySignError::ClassHash(_) => AccountError::ClassHash,
    }
}
