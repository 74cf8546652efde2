//! What a signer is asked and answers, as JSON over HTTP: `GET /v1/keys` and `POST /v1/sign`. Whoever guards keys in another way
//! offers these two.

use ciro_api::{Address, PublicKey, felt::Digest};
use serde::{Deserialize, Serialize};

/// An account that a signer signs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningAccount {
    /// Its address.
    pub account: Address,
    /// The public half of its key.
    pub public_key: PublicKey,
}

/// What is to be signed. The answer is a [`ciro_api::Signature`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// For which account.
    pub account: Address,
    /// The hash of a transaction.
    pub hash: Digest,
}
