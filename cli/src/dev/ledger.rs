//! The sponsor's side of the database: who pays, up to what, and for which devices.

use anyhow::Context;
use ciro_api::{Address, Fri, SponsorId, rest::claim_tokens::CreateClaimToken};
use ciro_contracts::Deployment;
use ciro_paymaster::{
    policy,
    sponsors::{self, NewSponsor},
    watch::{WatchError, Watcher},
};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The most the sponsor pays for one job: 10 times what ours cost.
const PRICE_CEILING: Fri = Fri(10_000_000_000_000_000);
/// The most it ever pays through us: 1,000 STRK.
const SPEND_LIMIT: Fri = Fri(1_000 * Fri::ONE_STRK.0);

pub(super) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("connecting to the database")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the set-up connection ended");
        }
    });
    Ok(client)
}

/// Makes sure that the database mirrors this deployment. A build with other contracts deploys them anew, while the
/// books of an older `.ciro` are about the old ones.
pub(super) async fn mirror(database: &Client, watcher: &Watcher) -> anyhow::Result<()> {
    watcher.begin(database).await.map_err(|error| match error {
        other @ WatchError::OtherDeployment { .. } => anyhow::Error::new(other).context(
            "the state directory holds a network with other contracts than this build's: \
             forget it with `make clean-dev`, or start in another directory",
        ),
        other => anyhow::Error::new(other).context("looking at what the database mirrors"),
    })
}

/// The sponsor with this account, made on the first start.
pub(super) async fn sponsor(database: &Client, address: Address) -> anyhow::Result<SponsorId> {
    if let Some(known) = sponsors::find_by_address(database, address).await? {
        return Ok(known.id);
    }
    let sponsor = NewSponsor {
        id: SponsorId(Uuid::now_v7()),
        name: "development fleet".to_owned(),
        address,
        price_ceiling: PRICE_CEILING,
        spend_limit: SPEND_LIMIT,
    };
    sponsors::create(database, &sponsor).await?;
    Ok(sponsor.id)
}

/// A claim token for a thousand devices, good for a day. Each start makes a new one: only hashes are kept.
pub(super) async fn claim_token(
    database: &mut Client,
    sponsor: SponsorId,
) -> anyhow::Result<String> {
    let wanted = CreateClaimToken {
        name: "development".to_owned(),
        claims: 1_000,
        expires_in_s: 86_400,
        serials: None,
    };
    let made = ciro_gateway::sponsors::create_claim_token(database, sponsor, &wanted).await?;
    Ok(made.claim_token)
}

/// A key for apps, and a policy that pays for what people try first, where the sponsor has none yet: on-chain jobs, and transfers
/// of the token. Each start makes a new key: only hashes are kept.
pub(super) async fn sponsorship(
    database: &Client,
    sponsor: SponsorId,
    contracts: &Deployment,
) -> anyhow::Result<String> {
    if policy::current(database, sponsor).await?.is_none() {
        let calls = serde_json::json!([
            { "to": contracts.job_manager, "function": "post_job" },
            { "to": contracts.token, "function": "transfer" },
        ]);
        let limits = serde_json::json!([
            { "measure": "operations", "per": "rule", "window": "day", "at_most": "1000" },
        ]);
        let rule = serde_json::json!({
            "id": "to-try", "when": { "calls": calls }, "limits": limits, "action": "allow",
        });
        let document = serde_json::json!({ "version": 1, "rules": [rule] });
        policy::store(database, sponsor, &serde_json::to_string_pretty(&document)?).await?;
    }
    Ok(sponsors::create_sponsorship_key(database, sponsor, "development", 30).await?)
}
