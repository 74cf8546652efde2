//! A Starknet devnet for one test.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use ciro_api::Address;
use ciro_contracts::PrivateKey;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use url::Url;

/// A chain that answers. It ends with this value, and with this process.
pub(crate) struct Devnet {
    child: Child,
    pub(crate) url: Url,
}

impl Devnet {
    pub(crate) fn start() -> Self {
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
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
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

    /// Its funded accounts.
    pub(crate) async fn accounts(&self) -> Vec<(Address, PrivateKey)> {
        let accounts = self.ask("devnet_getPredeployedAccounts", json!({})).await;
        let text = |account: &Value, field: &str| account[field].as_str().unwrap().to_owned();
        accounts
            .as_array()
            .unwrap()
            .iter()
            .map(|account| {
                let address = text(account, "address").parse().unwrap();
                let key: Address = text(account, "private_key").parse().unwrap();
                (address, PrivateKey::new(key.0))
            })
            .collect()
    }

    pub(crate) async fn pass_time(&self, seconds: u64) {
        self.ask("devnet_increaseTime", json!({ "time": seconds })).await;
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
