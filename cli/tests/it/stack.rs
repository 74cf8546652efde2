//! The private servers, whole.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ciro::stack::{Stack, StackConfig, StackError, ToolPaths, lock};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use crate::room::{Room, eventually, processes_on, runs};

const SOMEBODY: &str = "0x1234";

async fn start(dir: &Path) -> Stack {
    let config = StackConfig::new(dir, ToolPaths::find().unwrap());
    // Spawned, since callers may want to: the future is Send.
    tokio::spawn(Stack::start(config)).await.unwrap().unwrap()
}

async fn database(stack: &Stack) -> Client {
    let (client, connection) = tokio_postgres::connect(stack.database_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn rpc(stack: &Stack, method: &str, params: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer: Value =
        client.post(stack.rpc_url()).json(&body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer.get("error"), None, "{method}");
    answer["result"].clone()
}

async fn mint(stack: &Stack) -> Value {
    let params = json!({"address": SOMEBODY, "amount": 1_000, "unit": "FRI"});
    rpc(stack, "devnet_mint", params).await["tx_hash"].clone()
}

async fn balance(stack: &Stack) -> Value {
    let params = json!({"address": SOMEBODY, "unit": "FRI"});
    rpc(stack, "devnet_getAccountBalance", params).await["amount"].clone()
}

pub(crate) async fn accounts(stack: &Stack) -> Value {
    rpc(stack, "devnet_getPredeployedAccounts", json!({})).await
}

/// Moves the clock of the chain's next blocks on.
pub(crate) async fn pass_time(stack: &Stack, seconds: u64) {
    rpc(stack, "devnet_increaseTime", json!({ "time": seconds })).await;
}

fn urls(stack: &Stack) -> [String; 3] {
    [stack.database_url(), stack.redis_url(), stack.rpc_url()].map(str::to_owned)
}

#[tokio::test]
async fn a_second_start_finds_the_same_rows_chain_and_urls() {
    let room = Room::new();
    let stack = start(room.path()).await;
    let first_urls = urls(&stack);
    let first_accounts = accounts(&stack).await;
    let settings = database(&stack).await;
    let fsync = settings.query_one("SHOW fsync", &[]).await.unwrap();
    assert_eq!(fsync.get::<_, &str>(0), "on");
    settings.batch_execute("CREATE TABLE t (n int8); INSERT INTO t VALUES (42)").await.unwrap();
    let tx_hash = mint(&stack).await;
    stack.stop().await.unwrap();
    assert_eq!(processes_on(room.path()), Vec::<u32>::new());
    assert_eq!(lock::holder(room.path()).unwrap(), None);

    let stack = start(room.path()).await;
    assert_eq!(urls(&stack), first_urls);
    assert_eq!(accounts(&stack).await, first_accounts);
    let row = database(&stack).await.query_one("SELECT n FROM t", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 42);
    assert_eq!(balance(&stack).await, "1000");
    let receipt =
        rpc(&stack, "starknet_getTransactionReceipt", json!({"transaction_hash": tx_hash})).await;
    assert_eq!(receipt["execution_status"], "SUCCEEDED");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn servers_that_were_killed_come_back_with_everything() {
    let room = Room::new();
    let mut stack = start(room.path()).await;
    database(&stack).await.batch_execute("CREATE TABLE t (n int8)").await.unwrap();
    mint(&stack).await;
    stack.devnet_mut().service_mut().signal(Signal::SIGKILL).unwrap();
    stack.postgres_mut().service_mut().signal(Signal::SIGKILL).unwrap();
    eventually("the stack notices that a server has ended", || stack.check().is_err());
    stack.stop().await.unwrap();

    let stack = start(room.path()).await;
    database(&stack).await.query("SELECT n FROM t", &[]).await.unwrap();
    assert_eq!(balance(&stack).await, "1000");
    mint(&stack).await;
    stack.stop().await.unwrap();

    // What was written after the first reload is there after the second, once.
    let stack = start(room.path()).await;
    assert_eq!(balance(&stack).await, "2000");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn killing_the_holder_leaves_no_orphan_and_loses_nothing() {
    let room = Room::new();
    let mut holder = Command::new(hold_stack())
        .arg(room.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("examples/hold_stack is built: cargo build -p ciro --example hold_stack");
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: Vec<u32> = serde_json::from_str(&line).unwrap();
    let first_ports = ports(&room);
    assert_eq!(lock::holder(room.path()).unwrap(), Some(holder.id()));
    assert!(pids.len() == 3 && pids.iter().all(|&pid| runs(pid)), "{pids:?}");

    holder.kill().unwrap();
    holder.wait().unwrap();
    // At once: PostgreSQL may still be on its way out, and the start waits for that.
    let stack = start(room.path()).await;
    assert_eq!(ports(&room), first_ports);
    assert!(!pids.iter().any(|&pid| runs(pid)), "{pids:?}");
    stack.stop().await.unwrap();
    eventually("no process is left", || processes_on(room.path()).is_empty());
}

#[tokio::test]
async fn a_network_of_other_contracts_is_refused_and_says_how_to_forget_it() {
    let room = Room::new();
    let dev = ciro::dev::start(room.path()).await.unwrap();
    let older = "update chain_cursor set pool = '0x1234'";
    database(&dev.stack).await.batch_execute(older).await.unwrap();
    dev.stop().await.unwrap();
    let error = ciro::dev::start(room.path()).await.err().unwrap();
    let said = format!("{error:#}");
    assert!(said.contains("make clean-dev") && said.contains("0x1234"), "{said}");
    eventually("no process is left", || processes_on(room.path()).is_empty());
}

#[tokio::test]
async fn a_second_stack_on_the_same_directory_is_refused_and_told_who_holds_it() {
    let room = Room::new();
    let held = lock::acquire(room.path()).unwrap();
    let config = StackConfig::new(room.path(), ToolPaths::find().unwrap());
    let error = Stack::start(config).await.unwrap_err();
    let StackError::Locked { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains("`ciro down`"), "{error}");
    assert_eq!(lock::holder(room.path()).unwrap(), Some(std::process::id()));
    drop(held);
    assert_eq!(lock::holder(room.path()).unwrap(), None);
    assert_eq!(processes_on(room.path()), Vec::<u32>::new());
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_and_takes_the_others_down() {
    let room = Room::new();
    let mut config = StackConfig::new(room.path(), ToolPaths::find().unwrap());
    config.devnet.extra_args = vec!["--no-such-option".to_owned()];
    let error = Stack::start(config).await.unwrap_err().to_string();
    assert!(error.starts_with("devnet ended with exit status: 2"), "{error}");
    assert!(error.contains("--no-such-option"), "{error}");
    eventually("no process is left", || processes_on(room.path()).is_empty());
}

fn ports(room: &Room) -> Value {
    serde_json::from_slice(&std::fs::read(room.path().join("ports.json")).unwrap()).unwrap()
}

/// Cargo builds examples beside the tests, but names their place to nobody.
fn hold_stack() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/hold_stack")
}
