//! The whole program with relayers, before a chain and a database, and accounts that ask it for something.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ciro_api::{Address, Felt, Fri, SponsorId, hash::sign};
use ciro_contracts::{
    Call, Chain, Deployment, ForwarderParameters, JobManager, KeyedAccount, Pool, PrivateKey,
    Token, deploy, deploy_forwarder, token::STRK,
};
use ciro_paymaster::{
    policy,
    snip29::typed_data,
    sponsors::{self, NewSponsor, create_sponsorship_key},
};
use futures::future::join_all;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::Client;
use url::Url;
use uuid::Uuid;

use crate::{
    harness::{Devnet, fresh_database},
    world::{NOTICE_S, STAKE, WINDOW_S, parameters},
};

pub(crate) const TOKEN: Token = Token { address: STRK };
/// Where users send STRK to.
pub(crate) const TO: Address = Address(Felt::from_hex_unchecked("0x70"));
const FEE_RECIPIENT: Address = Address(Felt::from_hex_unchecked("0xfee5"));
/// What the sponsor has in the pool.
pub(crate) const DEPOSIT: Fri = Fri(100 * Fri::ONE_STRK.0);
const PASSWORD: &str = "correct horse battery staple";

/// Accounts of the devnet, by what they do here.
const OPERATOR: usize = 0;
const SPONSOR: usize = 1;
const TREASURY: usize = 2;
pub(crate) const RELAYERS: [usize; 2] = [3, 4];
/// The first of those who own nothing that they would pay with.
pub(crate) const USER: usize = 5;

/// What the program is started with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How many of them have their keystores with it; with none, the keys are elsewhere.
    pub(crate) relayers: usize,
    /// In the place of the devnet itself.
    pub(crate) rpc_url: Option<Url>,
    pub(crate) env: Vec<(&'static str, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { relayers: 1, rpc_url: None, env: Vec::new() }
    }
}

pub(crate) struct DeskWorld {
    pub(crate) devnet: Devnet,
    pub(crate) database: tokio_postgres::Config,
    pub(crate) client: Client,
    pub(crate) chain: Chain,
    pub(crate) deployment: Deployment,
    pub(crate) accounts: Vec<KeyedAccount>,
    pub(crate) keys: Vec<Felt>,
    pub(crate) sponsor: SponsorId,
    pub(crate) key: String,
    dir: TempDir,
}

/// A policy that pays for transfers of STRK.
pub(crate) fn transfers_allowed() -> Value {
    let calls = json!([{ "to": STRK, "function": "transfer" }]);
    json!({ "version": 1, "rules": [{ "id": "transfers", "when": { "calls": calls }, "action": "allow" }] })
}

impl DeskWorld {
    pub(crate) async fn start() -> Self {
        Self::start_on(Devnet::start_with_argent(12)).await
    }

    pub(crate) async fn start_on(devnet: Devnet) -> Self {
        let database = fresh_database().await;
        let client = ciro_testbed::connect(&database).await;
        let chain = Chain::connect(devnet.url.clone(), Duration::from_secs(20)).await.unwrap();
        let listed = devnet.accounts().await;
        let keys: Vec<Felt> = listed.iter().map(|(_, key)| *key).collect();
        let account = |(address, key): &(Address, Felt)| {
            KeyedAccount::new(chain.clone(), *address, &PrivateKey::new(*key))
        };
        let accounts: Vec<KeyedAccount> = listed.iter().map(account).collect();
        let operator = &accounts[OPERATOR];
        let mut deployment = deploy(operator, &parameters(operator)).await.unwrap();
        let named = ForwarderParameters {
            owner: operator.address(),
            fee_recipient: FEE_RECIPIENT,
            notice_s: NOTICE_S,
            relayers: RELAYERS.map(|relayer| accounts[relayer].address()).to_vec(),
        };
        deployment.forwarder = Some(deploy_forwarder(operator, &named).await.unwrap().address);
        let key = PrivateKey::new(keys[OPERATOR]);
        let manager = JobManager { address: deployment.job_manager };
        operator.execute(vec![manager.register_operator(Some(key.public_key()))]).await.unwrap();
        let pool = Pool { address: deployment.pool };
        let deposit = vec![
            TOKEN.approve(pool.address, DEPOSIT),
            pool.deposit(operator.address(), DEPOSIT),
            pool.set_allowance(operator.address(), DEPOSIT),
        ];
        accounts[SPONSOR].execute(deposit).await.unwrap();
        let key = PrivateKey::new(keys[TREASURY]).public_key();
        let stake = vec![
            TOKEN.approve(pool.address, STAKE),
            pool.stake(STAKE),
            manager.register_worker(key),
        ];
        accounts[TREASURY].execute(stake).await.unwrap();
        let sponsor = SponsorId(Uuid::now_v7());
        let new = NewSponsor {
            id: sponsor,
            name: "a studio".to_owned(),
            address: accounts[SPONSOR].address(),
            price_ceiling: Fri::ONE_STRK,
            spend_limit: DEPOSIT,
        };
        sponsors::create(&client, &new).await.unwrap();
        let key = create_sponsorship_key(&client, sponsor, "the game", 30).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let this =
            Self { devnet, database, client, chain, deployment, accounts, keys, sponsor, key, dir };
        this.allow(&transfers_allowed()).await;
        this.write_files();
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that nobody else may read.
    pub(crate) fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn write_files(&self) {
        self.deployment.write(&self.path("deployment.json")).unwrap();
        self.secret("operator.key", &format!("{:#x}\n", self.keys[OPERATOR]));
        self.secret("treasury.key", &format!("{:#x}\n", self.keys[TREASURY]));
        self.secret("password", PASSWORD);
    }

    /// A directory with the keystores of the first `count` relayers.
    pub(crate) fn keystores(&self, count: usize) -> PathBuf {
        let directory = self.path(&format!("keystores-{count}"));
        if !directory.exists() {
            fs::create_dir(&directory).unwrap();
            for relayer in &RELAYERS[..count] {
                let name = format!("{}.json", self.accounts[*relayer].address());
                let key = PrivateKey::new(self.keys[*relayer]);
                key.write_keystore(&directory.join(name), PASSWORD).unwrap();
            }
        }
        directory
    }

    pub(crate) async fn allow(&self, document: &Value) {
        policy::store(&self.client, self.sponsor, &document.to_string()).await.unwrap();
    }

    pub(crate) fn forwarder(&self) -> Address {
        self.deployment.forwarder.unwrap()
    }

    pub(crate) fn address(&self, user: usize) -> Address {
        self.accounts[user].address()
    }

    pub(crate) fn sponsor_address(&self) -> Address {
        self.address(SPONSOR)
    }

    pub(crate) fn operator_address(&self) -> Address {
        self.address(OPERATOR)
    }

    pub(crate) fn operator(&self) -> &KeyedAccount {
        &self.accounts[OPERATOR]
    }

    /// The treasury's account, and the key that signs for it also as a worker.
    pub(crate) fn treasury(&self) -> (&KeyedAccount, Felt) {
        (&self.accounts[TREASURY], self.keys[TREASURY])
    }

    /// The time of the newest block.
    pub(crate) async fn now(&self) -> u64 {
        let head = self.chain.head().await.unwrap();
        self.chain.block_timestamp(head.number).await.unwrap()
    }

    pub(crate) async fn balance(&self, of: Address) -> Fri {
        TOKEN.balance_of(&self.chain, of).await.unwrap()
    }

    /// Starts the program and waits until it answers.
    pub(crate) async fn program(&self, settings: &Settings) -> Program {
        let number = fs::read_dir(self.dir.path()).unwrap().count();
        let (log, ready) =
            (self.path(&format!("log-{number}")), self.path(&format!("ready-{number}")));
        let host = match &self.database.get_hosts()[0] {
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
            tokio_postgres::config::Host::Tcp(name) => name.clone(),
        };
        let database =
            format!("host={host} user=ciro dbname={}", self.database.get_dbname().unwrap());
        let rpc_url = settings.rpc_url.as_ref().unwrap_or(&self.devnet.url);
        let mut command = Command::new("setpriv");
        if settings.relayers > 0 {
            command
                .env("CIRO_RELAYER_KEYSTORES", self.keystores(settings.relayers))
                .env("CIRO_RELAYER_PASSWORD_FILE", self.path("password"));
        }
        let child = command
            .args(["--pdeathsig=SIGKILL", "--", env!("CARGO_BIN_EXE_ciro-paymaster")])
            .env("DATABASE_URL", database)
            .env("STARKNET_RPC_URL", rpc_url.as_str())
            .env("CIRO_DEPLOYMENT_FILE", self.path("deployment.json"))
            .env("CIRO_OPERATOR_ADDRESS", self.address(OPERATOR).to_string())
            .env("CIRO_OPERATOR_KEY_FILE", self.path("operator.key"))
            .env("CIRO_TREASURY_ADDRESS", self.address(TREASURY).to_string())
            .env("CIRO_TREASURY_KEY_FILE", self.path("treasury.key"))
            .env("CIRO_PAYMASTER_LISTEN", "127.0.0.1:0")
            .env("CIRO_SNIP29_LISTEN", "127.0.0.1:0")
            .env("CIRO_SNIP29_READY_FILE", &ready)
            .env("CIRO_WATCH_INTERVAL_MS", "50")
            .env("CIRO_STATEMENT_PERIOD_MS", "0")
            .env("CIRO_CLOSE_INTERVAL_MS", "50")
            .env("CIRO_SETTLE_INTERVAL_MS", "50")
            .env("CIRO_RELAYER_LEASE_MS", "2000")
            // All clients of a test are one network.
            .env("CIRO_NETWORK_TOKENS_PER_S", "1000000")
            .env("CIRO_NETWORK_TOKENS_AT_ONCE", "1000000")
            .env("CIRO_ACCOUNT_TOKENS_AT_ONCE", "100000")
            .env("CIRO_KEY_TOKENS_AT_ONCE", "100000")
            .env("CIRO_DEVICE_TOKENS_AT_ONCE", "100000")
            .envs(settings.env.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut program = Program { child, log, url: String::new(), key: self.key.clone() };
        let address = loop {
            if let Ok(address) = fs::read_to_string(&ready) {
                break address;
            }
            if let Some(status) = program.child.try_wait().unwrap() {
                panic!("{status}: {}", program.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        program.url = format!("http://{}/", address.trim());
        self.mirrored().await;
        program
    }

    /// Until the ledger knows what the sponsor has.
    async fn mirrored(&self) {
        self.until("the deposit is mirrored", || async {
            let found = sponsors::get(&self.client, self.sponsor).await.unwrap().unwrap();
            found.deposit > Fri::ZERO
        })
        .await;
    }

    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, good: impl Fn() -> F) {
        let looking = async {
            while !good().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), looking)
            .await
            .unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Signs typed data as it came.
    pub(crate) fn sign(&self, user: usize, typed: &Value) -> Vec<String> {
        let read = typed_data::read(typed).unwrap();
        let hash = read.message_hash(self.address(user));
        let signature = sign::sign(&self.keys[user], &hash).unwrap();
        vec![format!("{:#x}", signature.r.0), format!("{:#x}", signature.s.0)]
    }

    /// What the treasury has been paid by the sponsor on chain, matured or not.
    pub(crate) async fn paid_to_treasury(&self) -> Fri {
        let pool = Pool { address: self.deployment.pool };
        pool.earned_of(&self.chain, self.address(TREASURY)).await.unwrap()
    }

    /// Lets pay mature.
    pub(crate) async fn pass_challenge_window(&self) {
        self.devnet.pass_time(2 * WINDOW_S).await;
    }

    /// How many operations stand in each state.
    pub(crate) async fn operations(&self, state: &str) -> i64 {
        let sql = "select count(*) from operation where state = $1";
        self.client.query_one(sql, &[&state]).await.unwrap().get(0)
    }
}

/// The running program.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// `{to, selector, calldata}` as clients send it.
pub(crate) fn wire(call: &Call) -> Value {
    let hex = |felt: &Felt| format!("{felt:#x}");
    let calldata: Vec<String> = call.calldata.iter().map(hex).collect();
    json!({ "to": hex(&call.to), "selector": hex(&call.selector), "calldata": calldata })
}

pub(crate) fn sponsored() -> Value {
    json!({ "version": "0x1", "fee_mode": { "mode": "sponsored" } })
}

pub(crate) fn paid_in(token: Address) -> Value {
    json!({ "version": "0x1", "fee_mode": { "mode": "default", "gas_token": token } })
}

impl Program {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Asks, with this key.
    pub(crate) async fn ask_as(&self, key: Option<&str>, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let mut post = reqwest::Client::new().post(&self.url).json(&request);
        if let Some(key) = key {
            post = post.header("x-paymaster-api-key", key);
        }
        let reply: Value = post.send().await.unwrap().json().await.unwrap();
        assert_eq!((&reply["jsonrpc"], &reply["id"]), (&json!("2.0"), &json!(7)));
        reply
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.ask_as(Some(&self.key), method, params).await
    }

    /// What is answered; the test ends where that is a fault.
    pub(crate) async fn result(&self, method: &str, params: Value) -> Value {
        let reply = self.ask(method, params).await;
        let result = reply.get("result");
        result.unwrap_or_else(|| panic!("{method}: {reply}\n{}", self.log())).clone()
    }

    /// The code and data of a fault.
    pub(crate) async fn fault(&self, method: &str, params: Value) -> (i64, Value) {
        let reply = self.ask(method, params).await;
        let code = reply["error"]["code"].as_i64();
        (code.unwrap_or_else(|| panic!("{method}: {reply}")), reply["error"]["data"].clone())
    }

    pub(crate) async fn build(
        &self,
        account: Address,
        calls: &[Call],
        parameters: &Value,
    ) -> Value {
        let calls: Vec<Value> = calls.iter().map(wire).collect();
        let invoke = json!({ "user_address": account, "calls": calls });
        let transaction = json!({ "type": "invoke", "invoke": invoke });
        let params = json!({ "transaction": transaction, "parameters": parameters });
        self.result("paymaster_buildTransaction", params).await
    }

    /// The parameters of an execute request for what was built.
    pub(crate) fn executable(
        world: &DeskWorld,
        user: usize,
        built: &Value,
        parameters: &Value,
    ) -> Value {
        let signature = world.sign(user, &built["typed_data"]);
        let invoke = json!({
            "user_address": world.address(user), "typed_data": built["typed_data"], "signature": signature,
        });
        let transaction = json!({ "type": "invoke", "invoke": invoke });
        json!({ "transaction": transaction, "parameters": parameters })
    }

    /// Builds, signs and executes; what is answered.
    pub(crate) async fn carry(
        &self,
        world: &DeskWorld,
        user: usize,
        calls: &[Call],
        parameters: &Value,
    ) -> Value {
        let built = self.build(world.address(user), calls, parameters).await;
        let params = Self::executable(world, user, &built, parameters);
        self.result("paymaster_executeTransaction", params).await
    }

    /// Executes all of them at once; what each is answered.
    pub(crate) async fn execute_all(&self, wanted: Vec<Value>) -> Vec<Value> {
        let asked = |params| self.ask("paymaster_executeTransaction", params);
        join_all(wanted.into_iter().map(asked)).await
    }

    /// Waits until nothing is on its way.
    pub(crate) async fn settled(&self, world: &DeskWorld) {
        world
            .until("all operations end", || async {
                world.operations("queued").await + world.operations("sent").await == 0
            })
            .await;
    }

    pub(crate) fn end(mut self, signal: Signal) -> std::process::ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        self.child.wait().unwrap()
    }
}
