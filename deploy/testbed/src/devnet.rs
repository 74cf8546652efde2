//! A Starknet devnet for one test.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use ciro_api::{Address, Felt};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use url::Url;

/// A chain that answers. It ends with this value, and with this process.
#[derive(Debug)]
pub struct Devnet {
    child: Child,
    /// Its JSON-RPC.
    pub url: Url,
}

impl Devnet {
    /// A chain with the usual ten funded accounts.
    pub fn start() -> Self {
        Self::start_with(10)
    }

    /// A chain with so many funded accounts, the same each time.
    pub fn start_with(accounts: u8) -> Self {
        Self::launch(accounts, &[])
    }

    /// The same, and the classes of Argent's accounts are declared on it.
    pub fn start_with_argent(accounts: u8) -> Self {
        Self::launch(accounts, &["--predeclare-argent"])
    }

    /// The same, and it makes a block every second, of what there is, instead of one for each transaction.
    pub fn start_with_slow_blocks(accounts: u8) -> Self {
        Self::launch(accounts, &["--predeclare-argent", "--block-generation-on", "1"])
    }

    /// The same, and it can take blocks back, for which it keeps what each block has changed.
    pub fn start_that_takes_back(accounts: u8) -> Self {
        Self::launch(accounts, &["--predeclare-argent", "--state-archive-capacity", "full"])
    }

    fn launch(accounts: u8, more: &[&str]) -> Self {
        let beside = || {
            let shared =
                Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../shared/bin");
            super::on_path("starknet-devnet").unwrap_or_else(|| shared.join("starknet-devnet"))
        };
        let program: PathBuf = super::tool("starknet_devnet", beside);
        let mut child = Command::new("setpriv")
            .arg("--pdeathsig=SIGKILL")
            .arg("--")
            .arg(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--seed", "0", "--chain-id", "TESTNET"])
            .args(["--accounts", &accounts.to_string()])
            .args(more)
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .current_dir(env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("listening on ").nth(1).map(|a| a.trim().to_owned()))
            .expect("devnet says where it listens");
        // Its pipe must not fill up.
        thread::spawn(move || lines.for_each(drop));
        let address: String =
            address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
        Self { child, url: format!("http://{address}/rpc").parse().unwrap() }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Stops its process where it stands: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Asks one of its methods and returns the result.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Value = reqwest::Client::new()
            .post(self.url.clone())
            .json(&request)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        answer.get("result").unwrap_or_else(|| panic!("{method}: {answer}")).clone()
    }

    /// Its funded accounts and their private keys.
    pub async fn accounts(&self) -> Vec<(Address, Felt)> {
        let accounts = self.ask("devnet_getPredeployedAccounts", json!({})).await;
        let text = |account: &Value, field: &str| account[field].as_str().unwrap().to_owned();
        accounts
            .as_array()
            .unwrap()
            .iter()
            .map(|account| {
                let address = text(account, "address").parse().unwrap();
                let key: Address = text(account, "private_key").parse().unwrap();
                (address, key.0)
            })
            .collect()
    }

    /// Takes back this block and all behind it, and makes empty ones in their place until there are more than there were. Its
    /// hashes say little more of a block than its height and how many transactions it has, so what had none looks the same
    /// afterwards: one test can do this once.
    pub async fn take_back(&self, first_block: u64) {
        let head = async || self.ask("starknet_blockNumber", json!([])).await.as_u64().unwrap();
        let before = head().await;
        let first = json!({ "starting_block_id": { "block_number": first_block } });
        self.ask("devnet_abortBlocks", first).await;
        while head().await <= before {
            self.ask("devnet_createBlock", json!({})).await;
        }
    }

    /// Moves the clock of its next blocks on.
    pub async fn pass_time(&self, seconds: u64) {
        self.ask("devnet_increaseTime", json!({ "time": seconds })).await;
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
