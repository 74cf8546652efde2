//! A process that holds keys for us. What it answers is believed only where it is a signature by the key that it named at first.

use std::{sync::Arc, time::Duration};

use ciro_api::{Address, Felt, PublicKey, felt::Digest, hash::sign};
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use starknet_rust::{core::crypto::Signature, signers::VerifyingKey};
use url::Url;

use super::{
    SignerError,
    wire::{SignRequest, SigningAccount},
};

/// A signature takes it a millisecond.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read of a refusal.
const DETAIL_CHARS_MAX: usize = 200;

/// How a signer is reached. Its token is never printed.
#[derive(Clone)]
pub struct SignerLink(Arc<Inner>);

struct Inner {
    client: Client,
    url: Url,
    token: String,
}

/// One of its accounts.
#[derive(Clone)]
pub struct RemoteSigner {
    link: SignerLink,
    account: Address,
    public_key: PublicKey,
}

fn unreachable(error: &reqwest::Error) -> SignerError {
    let detail = if error.is_timeout() { "no answer in time" } else { "no connection, or no JSON" };
    SignerError::Unreachable(detail.to_owned())
}

impl SignerLink {
    /// A signer at `url`, to which `token` shows who we are. Nothing is asked yet.
    pub fn new(url: &Url, token: &str) -> Result<Self, SignerError> {
        let client = Client::builder().timeout(TIMEOUT).no_proxy().build();
        let client = client.map_err(|error| unreachable(&error))?;
        Ok(Self(Arc::new(Inner { client, url: url.clone(), token: token.to_owned() })))
    }

    fn path(&self, path: &str) -> Url {
        let mut url = self.0.url.clone();
        url.set_path(path);
        url
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, SignerError> {
        let sent = request.bearer_auth(&self.0.token).send().await;
        let reply = sent.map_err(|error| unreachable(&error))?;
        let status = reply.status();
        if status.is_success() {
            return reply.json().await.map_err(|error| unreachable(&error));
        }
        let detail = reply.text().await.map_err(|error| unreachable(&error))?;
        let detail = detail.chars().take(DETAIL_CHARS_MAX).collect();
        Err(SignerError::Refused { status: status.as_u16(), detail })
    }

    /// The accounts that it signs for.
    pub async fn accounts(&self) -> Result<Vec<(Address, RemoteSigner)>, SignerError> {
        let request = self.0.client.get(self.path("/v1/keys"));
        let listed: Vec<SigningAccount> = self.send(request).await?;
        let signer = |SigningAccount { account, public_key }| {
            (account, RemoteSigner { link: self.clone(), account, public_key })
        };
        Ok(listed.into_iter().map(signer).collect())
    }
}

impl RemoteSigner {
    pub(super) fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_scalar(self.public_key.0)
    }

    pub(super) async fn sign_hash(&self, hash: &Felt) -> Result<Signature, SignerError> {
        let asked = SignRequest { account: self.account, hash: Digest(*hash) };
        let request = self.link.0.client.post(self.link.path("/v1/sign")).json(&asked);
        let signature: ciro_api::Signature = self.link.send(request).await?;
        if !sign::verify(self.public_key, hash, &signature) {
            return Err(SignerError::Forged);
        }
        Ok(Signature { r: signature.r.0, s: signature.s.0 })
    }
}
