//! A client of the paymaster, with accounts of the development chain that nobody else uses.

use std::time::Duration;

use anyhow::Context;
use ciro::dev::network::Network;
use ciro_api::{Address, Felt, Fri, hash::sign};
use ciro_contracts::{Chain, KeyedAccount, PrivateKey, Token};
use ciro_paymaster::{policy, snip29::typed_data};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use tokio_postgres::Client;

use crate::{fill, latency::Percentiles};

/// Of the development network.
pub(super) const RELAYERS: usize = 2;
/// Accounts of the devnet that have no role there.
const FREE: std::ops::Range<usize> = 7..10;
/// Where everything is sent.
const TO: Address = Address(Felt::from_hex_unchecked("0x70"));
/// How often is asked whether something is in a block.
const LOOK: Duration = Duration::from_millis(5);

/// How many shared a transaction.
#[derive(Debug, Serialize)]
pub(super) struct Shared {
    pub(super) transactions: i64,
    pub(super) most_in_one: i64,
}

#[derive(Clone)]
struct User {
    account: KeyedAccount,
    key: Felt,
}

/// A client.
pub(super) struct Cashier {
    http: reqwest::Client,
    url: String,
    key: String,
    users: Vec<User>,
    token: Token,
    database: Client,
}

#[derive(Deserialize)]
struct Predeployed {
    address: Address,
    private_key: Address,
}

impl Cashier {
    pub(super) async fn open(network: &Network) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "devnet_getPredeployedAccounts", "params": {},
        });
        let reply: Value = http.post(&network.rpc_url).json(&request).send().await?.json().await?;
        let found: Vec<Predeployed> = serde_json::from_value(reply["result"].clone())?;
        let chain = Chain::connect(network.rpc_url.parse()?, Duration::from_secs(20)).await?;
        let user = |found: &Predeployed| {
            let key = found.private_key.0;
            let account = KeyedAccount::new(chain.clone(), found.address, &PrivateKey::new(key));
            User { account, key }
        };
        let users = found.get(FREE).context("devnet has too few accounts")?.iter().map(user);
        let database = fill::connect(&network.database_url).await?;
        let calls = json!([{ "to": network.contracts.token, "function": "transfer" }]);
        let rule = json!({ "id": "bench", "when": { "calls": calls }, "action": "allow" });
        let document = json!({ "version": 1, "rules": [rule] }).to_string();
        policy::store(&database, network.sponsor.id, &document).await?;
        Ok(Self {
            http,
            url: network.snip29_url.clone(),
            key: network.sponsorship_key.clone(),
            users: users.collect(),
            token: Token { address: network.contracts.token },
            database,
        })
    }

    async fn ask(&self, method: &str, params: &Value) -> anyhow::Result<Value> {
        ask(&self.http, &self.url, &self.key, method, params).await
    }

    fn user(&self, number: usize) -> &User {
        &self.users[number % self.users.len()]
    }

    async fn build(&self, user: &User) -> anyhow::Result<Value> {
        let call = self.token.transfer(TO, Fri(1));
        let hex = |felt: &Felt| format!("{felt:#x}");
        let calldata: Vec<String> = call.calldata.iter().map(hex).collect();
        let call =
            json!({ "to": hex(&call.to), "selector": hex(&call.selector), "calldata": calldata });
        let invoke = json!({ "user_address": user.account.address(), "calls": [call] });
        let params = json!({
            "transaction": { "type": "invoke", "invoke": invoke }, "parameters": sponsored(),
        });
        self.ask("paymaster_buildTransaction", &params).await
    }

    /// Built and signed: what `execute` takes.
    async fn signed(&self, user: &User) -> anyhow::Result<Value> {
        let built = self.build(user).await?;
        let typed = &built["typed_data"];
        let hash = typed_data::read(typed)?.message_hash(user.account.address());
        let signature = sign::sign(&user.key, &hash)?;
        let signature = [format!("{:#x}", signature.r.0), format!("{:#x}", signature.s.0)];
        let invoke = json!({
            "user_address": user.account.address(), "typed_data": typed, "signature": signature,
        });
        Ok(json!({
            "transaction": { "type": "invoke", "invoke": invoke }, "parameters": sponsored(),
        }))
    }

    /// How long a build takes, after some that fill what is remembered.
    pub(super) async fn builds(&self, count: usize) -> anyhow::Result<Percentiles> {
        for number in 0..10 {
            self.build(self.user(number)).await?;
        }
        let mut took = Vec::with_capacity(count);
        for number in 0..count {
            let begun = Instant::now();
            self.build(self.user(number)).await?;
            took.push(begun.elapsed());
        }
        Percentiles::of(took)
    }

    /// How long as many transfers take that an account sends itself, one after the other.
    pub(super) async fn by_itself(&self, count: usize) -> anyhow::Result<Duration> {
        let user = self.user(0);
        let begun = Instant::now();
        for _ in 0..count {
            user.account.execute(vec![self.token.transfer(TO, Fri(1))]).await?;
        }
        Ok(begun.elapsed())
    }

    /// The same through the paymaster: built and signed before, each asked for when the one before is in a block.
    pub(super) async fn one_at_a_time(&self, count: usize) -> anyhow::Result<Duration> {
        let mut signed = Vec::with_capacity(count);
        for number in 0..count {
            signed.push(self.signed(self.user(number)).await?);
        }
        let begun = Instant::now();
        for params in &signed {
            let answer = self.ask("paymaster_executeTransaction", params).await?;
            self.until_ended(&answer).await?;
        }
        Ok(begun.elapsed())
    }

    async fn until_ended(&self, answer: &Value) -> anyhow::Result<()> {
        let params = json!({ "tracking_id": answer["tracking_id"] });
        loop {
            let tracked = self.ask("paymaster_trackingIdToLatestHash", &params).await?;
            match tracked["status"].as_str() {
                Some("accepted") => return Ok(()),
                Some("active") => tokio::time::sleep(LOOK).await,
                _ => anyhow::bail!("an operation was dropped: {tracked}"),
            }
        }
    }

    /// All at once, until all are in blocks.
    pub(super) async fn together(&self, count: usize) -> anyhow::Result<(Duration, Shared)> {
        let mut signed = Vec::with_capacity(count);
        for number in 0..count {
            signed.push(self.signed(self.user(number)).await?);
        }
        let since: time::OffsetDateTime =
            self.database.query_one("select now()", &[]).await?.try_get(0)?;
        let begun = Instant::now();
        let mut asking = JoinSet::new();
        for params in signed {
            let (http, url, key) = (self.http.clone(), self.url.clone(), self.key.clone());
            asking.spawn(async move {
                ask(&http, &url, &key, "paymaster_executeTransaction", &params).await
            });
        }
        while let Some(answer) = asking.join_next().await {
            answer??;
        }
        let left = "select count(*) from operation where state in ('queued', 'sent')";
        while self.database.query_one(left, &[]).await?.try_get::<_, i64>(0)? > 0 {
            tokio::time::sleep(LOOK).await;
        }
        let took = begun.elapsed();
        let shared = "select count(*), max(carried) from (select count(*) as carried from operation \
                      where created_at >= $1 and state = 'succeeded' group by relayer, nonce) t";
        let row = self.database.query_one(shared, &[&since]).await?;
        Ok((took, Shared { transactions: row.try_get(0)?, most_in_one: row.try_get(1)? }))
    }
}

fn sponsored() -> Value {
    json!({ "version": "0x1", "fee_mode": { "mode": "sponsored" } })
}

async fn ask(
    http: &reqwest::Client,
    url: &str,
    key: &str,
    method: &str,
    params: &Value,
) -> anyhow::Result<Value> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let post = http.post(url).header("x-paymaster-api-key", key).json(&request);
    let reply: Value = post.send().await?.json().await?;
    let result = reply.get("result").cloned();
    result.with_context(|| format!("{method} was answered with {}", reply["error"]))
}
