//! What a desk needs in its database before it can serve: the schema, models, sponsors with money and staked workers.
//! Written by the code paths that operators use; the two tables of the chain's mirror by hand, because no chain runs.

use std::num::NonZeroU32;

use anyhow::Context;
use ciro_api::{
    Address, Felt, Fri, PoolName, SponsorId, SponsorScope, limits,
    rest::claim_tokens::CreateClaimToken,
};
use ciro_gateway::{
    models::register::{Terms, register},
    sponsors as desk_sponsors,
    sponsors::NewKey,
};
use ciro_paymaster::sponsors::{self, NewSponsor};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::worker::WorkerKey;

/// How many sponsors the callers belong to. An accept locks its sponsor's row, so one alone would measure that lock.
pub(crate) const SPONSORS: usize = 8;
/// How many workers may log in.
pub(crate) const WORKERS: usize = 16;

const MANIFEST: &str = include_str!("../../../worker-pull/models/sha256/manifest.json");
const PRICE: Fri = Fri(1_000_000_000_000);
/// Enough for more jobs than any run has.
const DEPOSIT: Fri = Fri(1_000_000 * Fri::ONE_STRK.0);

/// What was put there.
pub(crate) struct Filled {
    /// The pool of the model that everything is measured with.
    pub(crate) pool: PoolName,
    /// The same under another name: a queue of its own, for what must not meet the others.
    pub(crate) held_pool: PoolName,
    /// One of each sponsor.
    pub(crate) claim_tokens: Vec<String>,
    /// An API key of the first sponsor that may do everything.
    pub(crate) sponsor_key: String,
}

/// The held model's name.
pub(crate) const HELD_NAME: &str = "bench/sha256@1";

/// A connection for a few questions.
pub(crate) async fn connect(database_url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(database_url, NoTls).await.context("connecting to the database")?;
    // It ends with its client; what goes wrong on it, the client's calls say.
    tokio::spawn(connection);
    Ok(client)
}

/// Fills an empty database.
pub(crate) async fn fill(database_url: &str) -> anyhow::Result<Filled> {
    let mut client = connect(database_url).await?;
    ciro_gateway::database::migrate(&mut client).await?;
    let terms = |pool: &PoolName| Terms {
        price: PRICE,
        pool: pool.clone(),
        expected_run_ms: NonZeroU32::MIN,
    };
    let (pool, held_pool) = ("cpu".parse()?, "held".parse()?);
    register(&client, MANIFEST.as_bytes(), None, &terms(&pool)).await?;
    let held = MANIFEST.replace("ciro/sha256@1", HELD_NAME);
    register(&client, held.as_bytes(), None, &terms(&held_pool)).await?;
    let mut claim_tokens = Vec::new();
    let mut ids = Vec::new();
    for number in 0..SPONSORS {
        let id = sponsor(&client, number).await?;
        let wanted = CreateClaimToken {
            name: "bench".to_owned(),
            claims: limits::CLAIMS_MAX,
            expires_in_s: 3_600,
            serials: None,
        };
        let made = desk_sponsors::create_claim_token(&mut client, id, &wanted).await?;
        claim_tokens.push(made.claim_token);
        ids.push(id);
    }
    let key = NewKey {
        sponsor: *ids.first().context("there is no sponsor")?,
        name: "bench".to_owned(),
        scopes: vec![SponsorScope::Read, SponsorScope::Manage],
        days: 1,
    };
    let sponsor_key = desk_sponsors::create_key(&client, &key).await?.text;
    for number in 0..WORKERS {
        worker(&client, &WorkerKey::of(number)).await?;
    }
    Ok(Filled { pool, held_pool, claim_tokens, sponsor_key })
}

async fn sponsor(client: &Client, number: usize) -> anyhow::Result<SponsorId> {
    let sponsor = NewSponsor {
        id: SponsorId(Uuid::now_v7()),
        name: format!("bench {number}"),
        address: Address(Felt::from(0x5b00_u64 + u64::try_from(number)?)),
        price_ceiling: PRICE,
        spend_limit: DEPOSIT,
    };
    sponsors::create(client, &sponsor).await?;
    let money = "INSERT INTO chain_sponsor (address, deposit_fri, allowance_per_epoch_fri) \
                 VALUES ($1, $2::text::numeric, $2::text::numeric)";
    client.execute(money, &[&sponsor.address.to_string(), &DEPOSIT.to_string()]).await?;
    Ok(sponsor.id)
}

async fn worker(client: &Client, key: &WorkerKey) -> anyhow::Result<()> {
    let insert = "INSERT INTO chain_worker (address, public_key, stake_fri) \
                  VALUES ($1, $2, $3::text::numeric)";
    let stake = Fri::ONE_STRK.to_string();
    client
        .execute(insert, &[&key.address().to_string(), &key.public_key().to_string(), &stake])
        .await?;
    Ok(())
}
