//! Signs for relayers in a process of its own, so that the one that talks to the world holds no key of theirs.
//!
//! Signs any hash that it is given for an account that it knows: who has its token can spend what these accounts have. What it
//! keeps safe is the keys: whoever takes the paymaster over can use them while it is there, and cannot take them along.

use std::{collections::HashMap, io, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use ciro_api::{Address, Signature, hash::sign};
use ciro_contracts::{
    PrivateKey,
    signer::{SignRequest, SigningAccount},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// An account and a hash are 150 bytes.
const BODY_BYTES_MAX: usize = 4 * 1024;

struct Vault {
    keys: HashMap<Address, PrivateKey>,
    token_sha256: [u8; 32],
}

/// A status, and why in words.
type Refusal = (StatusCode, String);

/// Answers until `stop` to whoever shows the token.
pub async fn serve(
    listener: TcpListener,
    keys: Vec<(Address, PrivateKey)>,
    token: &str,
    stop: CancellationToken,
) -> io::Result<()> {
    let token_sha256 = Sha256::digest(token).into();
    let vault = Arc::new(Vault { keys: keys.into_iter().collect(), token_sha256 });
    let router = Router::new()
        .route("/health", get(StatusCode::OK))
        .route("/v1/keys", get(list))
        .route("/v1/sign", post(sign_hash))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(vault);
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

impl Vault {
    /// Refuses whoever does not show the token.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let hash: [u8; 32] = Sha256::digest(shown).into();
        if bool::from(hash.ct_eq(&self.token_sha256)) {
            return Ok(());
        }
        let detail = "send `Authorization: Bearer` with the signer's token";
        Err((StatusCode::UNAUTHORIZED, detail.to_owned()))
    }
}

async fn list(
    State(vault): State<Arc<Vault>>,
    headers: HeaderMap,
) -> Result<Json<Vec<SigningAccount>>, Refusal> {
    vault.admit(&headers)?;
    let listed = vault
        .keys
        .iter()
        .map(|(account, key)| SigningAccount { account: *account, public_key: key.public_key() });
    Ok(Json(listed.collect()))
}

async fn sign_hash(
    State(vault): State<Arc<Vault>>,
    headers: HeaderMap,
    body: Result<Json<SignRequest>, JsonRejection>,
) -> Result<Json<Signature>, Refusal> {
    vault.admit(&headers)?;
    let Json(SignRequest { account, hash }) =
        body.map_err(|bad| (bad.status(), bad.body_text()))?;
    let Some(key) = vault.keys.get(&account) else {
        let detail = format!("no key of {account} is kept here");
        return Err((StatusCode::NOT_FOUND, detail));
    };
    let Ok(signature) = sign::sign(key.reveal(), &hash.0) else {
        let detail = format!("{hash} is out of the curve's range");
        return Err((StatusCode::UNPROCESSABLE_ENTITY, detail));
    };
    tracing::info!(%account, %hash, "signed");
    Ok(Json(signature))
}
