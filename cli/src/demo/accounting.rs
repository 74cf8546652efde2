//! The money, as the chain tells it before and after: nothing may be missing and nothing may be left over.

use anyhow::{Context, bail};
use ciro_api::{Address, Felt, Fri, JobId, rest::jobs::Job};
use ciro_contracts::{Chain, Pool, Token};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::dev::network::Network;

/// What the chain says at one moment.
pub(super) struct Balances {
    /// The sponsor's deposit in the pool.
    pub(super) deposit: Fri,
    /// The worker's pay that is still in the pool.
    pub(super) pending: Fri,
    /// All STRK that the pool holds.
    pub(super) pool: Fri,
}

impl Balances {
    pub(super) async fn read(chain: &Chain, network: &Network) -> anyhow::Result<Self> {
        let pool = Pool { address: network.contracts.pool };
        let token = Token { address: network.contracts.token };
        let pending = pool.pending_of(chain, network.worker, network.sponsor.address).await?;
        let claimable = pool.claimable_of(chain, network.worker).await?;
        Ok(Self {
            deposit: pool.deposit_of(chain, network.sponsor.address, network.operator).await?,
            pending: [pending.mature, claimable]
                .into_iter()
                .try_fold(pending.locked, Fri::checked_add)
                .context("pending pay overflows")?,
            pool: token.balance_of(chain, network.contracts.pool).await?,
        })
    }

    /// What the sponsor paid between the two moments.
    pub(super) fn spent(&self, after: &Self) -> anyhow::Result<Fri> {
        self.deposit.checked_sub(after.deposit).context("the deposit grew")
    }

    /// What left the pool for the worker between the two moments.
    pub(super) fn paid(&self, after: &Self) -> anyhow::Result<Fri> {
        self.pool.checked_sub(after.pool).context("the pool grew")
    }
}

/// What the jobs cost together.
pub(super) fn sum(jobs: &[Job]) -> anyhow::Result<Fri> {
    let mut seen: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    seen.sort();
    seen.dedup();
    if seen.len() != jobs.len() {
        bail!("a job appears twice");
    }
    let amounts = jobs.iter().filter_map(|job| job.settlement.as_ref()).map(|s| s.amount_fri);
    amounts.into_iter().try_fold(Fri::ZERO, Fri::checked_add).context("the prices overflow")
}

/// To the fri: what the sponsor lost is what the jobs cost, and all of it left the pool for the worker.
pub(super) fn check(before: &Balances, after: &Balances, owed: Fri) -> anyhow::Result<()> {
    let spent = before.spent(after)?;
    if spent != owed {
        bail!("the jobs cost {owed} fri and the sponsor's deposit fell by {spent}");
    }
    let paid = before.paid(after)?;
    let due = before.pending.checked_add(owed).context("the pay overflows")?;
    if after.pending != Fri::ZERO || paid != due {
        bail!(
            "{due} fri were due to the worker; {paid} left the pool and {} are still in it",
            after.pending
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct Reply<T> {
    result: T,
}

#[derive(Deserialize)]
struct Predeployed {
    address: Address,
    private_key: String,
}

async fn devnet<T: DeserializeOwned>(
    network: &Network,
    method: &str,
    params: serde_json::Value,
) -> anyhow::Result<T> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let client = reqwest::Client::builder().no_proxy().build()?;
    let reply = client.post(&network.rpc_url).json(&request).send().await?;
    let reply: Reply<T> = reply.json().await.with_context(|| format!("{method} failed"))?;
    Ok(reply.result)
}

/// The key of one of devnet's accounts; a real worker holds its own.
pub(super) async fn devnet_key(network: &Network, address: Address) -> anyhow::Result<Felt> {
    let accounts: Vec<Predeployed> =
        devnet(network, "devnet_getPredeployedAccounts", json!({})).await?;
    let found = accounts.into_iter().find(|a| a.address == address);
    Ok(ciro_api::felt::parse_felt(&found.context("devnet does not know the worker")?.private_key)?)
}

/// Moves the development chain's clock. Devnet writes the request down, so a restarted chain passes the same time.
pub(super) async fn pass_time(network: &Network, seconds: u64) -> anyhow::Result<()> {
    let params = json!({ "time": seconds });
    devnet::<serde_json::Value>(network, "devnet_increaseTime", params).await.map(drop)
}
