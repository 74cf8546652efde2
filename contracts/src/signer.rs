//! Who signs for an account: a key in this process, or another process that holds it.

mod remote;
mod wire;

use async_trait::async_trait;
use ciro_api::Felt;
use starknet_rust::{
    core::crypto::Signature,
    signers::{
        LocalWallet, Signer, SignerInteractivityContext, SigningKey, VerifyingKey,
        local_wallet::SignError,
    },
};

use crate::private_key::PrivateKey;

pub use remote::{RemoteSigner, SignerLink};
pub use wire::{SignRequest, SigningAccount};

/// What signs for an account.
#[derive(Clone)]
pub enum AccountSigner {
    /// A key that this process holds.
    Held(LocalWallet),
    /// A process that holds the key and answers with signatures.
    Remote(RemoteSigner),
}

impl std::fmt::Debug for AccountSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Held(_) => "AccountSigner::Held(redacted)",
            Self::Remote(_) => "AccountSigner::Remote",
        })
    }
}

/// A signature that was not made.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The hash is out of the curve's range.
    #[error("the key cannot sign this")]
    Curve(#[from] SignError),
    /// The process does not answer, or not in time.
    #[error("the signer does not answer: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("the signer refuses with status {status}: {detail}")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// Its words.
        detail: String,
    },
    /// Its answer is no signature by the account's key.
    #[error("what the signer answers is no signature by the key that it has named")]
    Forged,
}

impl From<&PrivateKey> for AccountSigner {
    fn from(key: &PrivateKey) -> Self {
        Self::Held(LocalWallet::from(SigningKey::from_secret_scalar(*key.reveal())))
    }
}

#[async_trait]
impl Signer for AccountSigner {
    type GetPublicKeyError = std::convert::Infallible;
    type SignError = SignerError;

    async fn get_public_key(&self) -> Result<VerifyingKey, Self::GetPublicKeyError> {
        match self {
            Self::Held(wallet) => Ok(match wallet.get_public_key().await {
                Ok(key) => key,
                Err(never) => match never {},
            }),
            Self::Remote(signer) => Ok(signer.verifying_key()),
        }
    }

    async fn sign_hash(&self, hash: &Felt) -> Result<Signature, SignerError> {
        match self {
            Self::Held(wallet) => Ok(wallet.sign_hash(hash).await?),
            Self::Remote(signer) => signer.sign_hash(hash).await,
        }
    }

    fn is_interactive(&self, _: SignerInteractivityContext<'_>) -> bool {
        false
    }
}
