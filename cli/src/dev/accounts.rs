//! Who is who on the development chain: devnet's predeployed accounts, one role each.

use anyhow::Context;
use ciro_api::{Address, PublicKey};
use ciro_contracts::{Chain, KeyedAccount, PrivateKey};
use serde::Deserialize;

/// An account with its key, as devnet tells it.
pub(super) struct Role {
    pub(super) account: KeyedAccount,
    pub(super) key_text: String,
    pub(super) public_key: PublicKey,
}

impl Role {
    pub(super) fn address(&self) -> Address {
        self.account.address()
    }
}

/// One account per role, so that nobody's nonce or balance mixes with another's.
pub(super) struct Accounts {
    /// Deploys the contracts and registers models.
    pub(super) registrar: Role,
    /// Settles.
    pub(super) operator: Role,
    /// Pays.
    pub(super) sponsor: Role,
    /// Is paid.
    pub(super) worker: Role,
    /// Keeps relayers in STRK.
    pub(super) treasury: Role,
    /// Send what others have signed.
    pub(super) relayers: [Role; 2],
}

#[derive(Deserialize)]
struct Predeployed {
    address: Address,
    private_key: String,
}

#[derive(Deserialize)]
struct Reply {
    result: Vec<Predeployed>,
}

impl Accounts {
    pub(super) async fn of_devnet(rpc_url: &str, chain: &Chain) -> anyhow::Result<Self> {
        let request = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": "devnet_getPredeployedAccounts", "params": {}
        });
        let client = reqwest::Client::builder().no_proxy().build()?;
        let reply = client
            .post(rpc_url)
            .json(&request)
            .send()
            .await
            .context("asking devnet for its accounts")?;
        let reply: Reply = reply.json().await.context("reading devnet's accounts")?;
        let mut roles = reply.result.into_iter().map(|found| {
            let key = PrivateKey::new(ciro_api::felt::parse_felt(&found.private_key)?);
            let account = KeyedAccount::new(chain.clone(), found.address, &key);
            let (key_text, public_key) = (found.private_key, key.public_key());
            Ok::<_, anyhow::Error>(Role { account, key_text, public_key })
        });
        let mut next = || roles.next().context("devnet has too few accounts")?;
        Ok(Self {
            registrar: next()?,
            operator: next()?,
            sponsor: next()?,
            worker: next()?,
            treasury: next()?,
            relayers: [next()?, next()?],
        })
    }
}
