//! The account that a command acts from, and the node that it acts through.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use ciro_api::{Address, PublicKey};
use ciro_contracts::{Chain, KeyedAccount, PrivateKey};
use clap::Args;
use url::Url;

/// How long the node may take to answer one request.
const RPC_TIMEOUT: Duration = Duration::from_secs(20);

/// Who sends, and through which node.
#[derive(Args, Clone, Debug)]
pub struct AccountFlags {
    /// JSON-RPC of a Starknet node.
    #[arg(long, env = "STARKNET_RPC_URL", hide_env_values = true)]
    pub rpc_url: Url,
    /// The account that sends, and pays for its transactions.
    #[arg(long = "account", env = "CIRO_ACCOUNT_ADDRESS")]
    pub address: Address,
    /// A file, readable only by its owner, with that account's private key in hex.
    #[arg(long = "account-key-file", env = "CIRO_ACCOUNT_KEY_FILE")]
    pub key_file: PathBuf,
}

impl AccountFlags {
    /// Reads the key and asks the node which chain it follows.
    pub async fn open(&self) -> anyhow::Result<KeyedAccount> {
        let key = PrivateKey::from_file(&self.key_file)?;
        let chain = Chain::connect(self.rpc_url.clone(), RPC_TIMEOUT)
            .await
            .context("asking the node at STARKNET_RPC_URL (--rpc-url)")?;
        Ok(KeyedAccount::new(chain, self.address, &key))
    }

    /// The public half of the account's key.
    pub fn public_key(&self) -> anyhow::Result<PublicKey> {
        Ok(PrivateKey::from_file(&self.key_file)?.public_key())
    }
}
