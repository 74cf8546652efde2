//! A worker that is paid from what lies on its own disk, with gateway and paymaster dead.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use ciro::dev::WITHDRAWAL_NOTICE_S;
use ciro_api::{
    ErrorCode, Felt, Fri, Signature, StatementId, StatementStatus,
    felt::Digest,
    hash::{sign, snip12::TypedStruct},
    limits,
    rest::statements::{CountersignRequest, StatementDocument, StatementList, StatementPage},
};
use ciro_contracts::{Chain, JobManager, KeyedAccount, Pool, PrivateKey};
use ciro_worker::statements::{KeptStatement, read_all};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    net::{HandWorker, Net, refused, succeed},
    room::Room,
    stack::{accounts, pass_time},
};

const PATIENCE: Duration = Duration::from_secs(90);

async fn until_sql(net: &Net, query: &str, wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = net.sql(query).await;
        if found == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "still {found}, not {wanted}: {query}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Receipts that no worker could settle yet.
const NOT_COUNTERSIGNED: &str =
    "select count(*)::text from receipt left join statement s using (statement_id)
    where s.status is null or s.status = 'closed'";
const OPEN_BATCHES: &str = "select count(*)::text from settlement_batch where state = 'open'";
const UNSETTLED: &str = "select count(*)::text from statement where status <> 'settled'";

/// An account of the development chain by its place, and a file with its key.
async fn account(net: &Net, chain: &Chain, place: usize) -> (KeyedAccount, PathBuf) {
    let accounts = accounts(&net.dev.stack).await;
    let found = &accounts.as_array().unwrap()[place];
    let text = found["private_key"].as_str().unwrap();
    let path = net.room.path().join(format!("account-{place}.key"));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let address = found["address"].as_str().unwrap().parse().unwrap();
    let key = PrivateKey::from_file(&path).unwrap();
    (KeyedAccount::new(chain.clone(), address, &key), path)
}

/// `ciro worker settle` as somebody with no part in the network runs it.
struct Settle {
    rpc_url: String,
    account: String,
    key_file: PathBuf,
}

impl Settle {
    fn run(&self, dir: &Path) -> (Output, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_ciro"))
            .args(["worker", "settle", "--rpc-url", &self.rpc_url, "--account", &self.account])
            .arg("--account-key-file")
            .arg(&self.key_file)
            .arg("--worker-state-dir")
            .arg(dir)
            .output()
            .unwrap();
        let said =
            [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy);
        let said = said.join("\n");
        (output, said)
    }

    fn succeed(&self, dir: &Path) -> String {
        let (output, said) = self.run(dir);
        assert!(output.status.success(), "{said}");
        said
    }

    fn fail(&self, dir: &Path) -> String {
        let (output, said) = self.run(dir);
        assert_eq!(output.status.code(), Some(1), "{said}");
        said
    }
}

fn kept(dir: &Path) -> Vec<KeptStatement> {
    let (kept, unreadable) = read_all(dir).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    kept
}

/// A copy of these statements in a state directory of its own, each changed on the way.
fn copy(room: &Room, name: &str, kept: &[KeptStatement], change: impl Fn(&mut Value)) -> PathBuf {
    let dir = room.path().join(name);
    let inner = dir.join("statements-copy");
    fs::create_dir_all(inner.join("settled")).unwrap();
    for statement in kept {
        let mut json = serde_json::to_value(statement).unwrap();
        change(&mut json);
        fs::write(inner.join(format!("{}.json", statement.seq)), json.to_string()).unwrap();
    }
    dir
}

/// Two statements that both sides have signed and that nobody has sent, since the chain stands still meanwhile. Then
/// everyone who could send them dies.
async fn abandoned() -> (Net, Vec<KeptStatement>) {
    let mut net = Net::start().await;
    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGSTOP).unwrap();
    for round in 0..2_u8 {
        for job in 0..3_u8 {
            net.submit(&[round, job]).await;
        }
        let stated =
            format!("select count(*)::text from receipt where {}", "statement_id is not null");
        until_sql(&net, &stated, &(3 * (u32::from(round) + 1)).to_string()).await;
        until_sql(&net, NOT_COUNTERSIGNED, "0").await;
    }
    let services = &net.dev.services;
    for service in [&services.paymaster, &services.gateway, &services.worker] {
        service.signal(Signal::SIGKILL).unwrap();
    }
    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGCONT).unwrap();
    let kept = kept(&net.room.path().join("network/worker"));
    assert!(kept.len() >= 2, "{kept:?}");
    (net, kept)
}

#[tokio::test]
async fn a_worker_whose_gateway_and_paymaster_died_settles_alone_and_is_paid_once() {
    let (mut net, kept) = abandoned().await;
    let owed: u128 = kept.iter().map(|statement| statement.amount_fri.0).sum();
    let url = net.dev.network.rpc_url.parse().unwrap();
    let chain = Chain::connect(url, Duration::from_secs(20)).await.unwrap();
    let pool = Pool { address: net.dev.network.contracts.pool };
    let (sponsor, worker) = (net.dev.network.sponsor.address, net.dev.network.worker);
    let deposit = pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap();
    let (stranger, key_file) = account(&net, &chain, 9).await;
    let account = stranger.address().to_string();
    let settle = Settle { rpc_url: net.dev.network.rpc_url.clone(), account, key_file };
    let dir = net.room.path().join("network/worker");

    // What cannot be paid is not, and the owner is told why.
    let said = settle.fail(&copy(&net.room, "forged", &kept, |json| {
        json["operator_signature"] = json["signature"].clone();
    }));
    assert!(said.contains("bad_operator_signature"), "{said}");
    let said = settle.fail(&copy(&net.room, "gap", &kept[1..], |_| {}));
    assert!(said.contains("statement 1 of this sponsor must be settled first"), "{said}");
    let (payer, _) = self::account(&net, &chain, 2).await;
    assert_eq!(payer.address(), sponsor);
    let operator = net.dev.network.operator;
    payer.execute(vec![pool.set_allowance(operator, Fri(1))]).await.unwrap();
    pass_time(&net.dev.stack, WITHDRAWAL_NOTICE_S).await;
    let said = settle.fail(&dir);
    assert!(said.contains("refused in 0x") && said.contains("insufficient_allowance"), "{said}");
    assert_eq!(
        pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap(),
        deposit,
        "nothing moved"
    );
    let enough = Fri(50 * Fri::ONE_STRK.0);
    payer.execute(vec![pool.set_allowance(operator, enough)]).await.unwrap();

    let said = settle.succeed(&dir);
    assert_eq!(said.matches("settled in 0x").count(), kept.len(), "{said}");
    assert!(said.contains(&format!("worth {owed} fri; 0 refused")), "{said}");
    let spent = || async {
        deposit.0 - pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap().0
    };
    assert_eq!(spent().await, owed);
    let pending = pool.pending_of(&chain, worker, sponsor).await.unwrap();
    let claimable = pool.claimable_of(&chain, worker).await.unwrap();
    assert_eq!(pending.locked.0 + pending.mature.0 + claimable.0, owed, "its pay is on chain");
    let again = settle.succeed(&dir);
    assert!(again.contains(&format!("{} were settled before", kept.len())), "{again}");
    assert_eq!(spent().await, owed, "paid twice");

    net.dev.services.start_paymaster().await.unwrap();
    until_sql(&net, UNSETTLED, "0").await;
    assert_eq!(net.held_fri().await, 0);
    assert_eq!(net.sql("select spent_fri::text from sponsor").await, owed.to_string());
    let hash = net.sql("select max(tx_hash) from statement").await;
    assert!(said.contains(&hash), "settled by another transaction: {hash}");
    // It may have begun to settle before its mirror had caught up.
    until_sql(&net, OPEN_BATCHES, "0").await;
    assert_eq!(spent().await, owed, "the paymaster paid again");
    net.stop().await;
}

#[tokio::test]
async fn a_worker_and_a_paymaster_that_settle_at_the_same_moment_pay_each_statement_once() {
    let (mut net, kept) = abandoned().await;
    let owed: u128 = kept.iter().map(|statement| statement.amount_fri.0).sum();
    let url = net.dev.network.rpc_url.parse().unwrap();
    let chain = Chain::connect(url, Duration::from_secs(20)).await.unwrap();
    let pool = Pool { address: net.dev.network.contracts.pool };
    let sponsor = net.dev.network.sponsor.address;
    let deposit = pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap();
    let (stranger, key_file) = account(&net, &chain, 9).await;
    let account = stranger.address().to_string();
    let settle = Settle { rpc_url: net.dev.network.rpc_url.clone(), account, key_file };
    let dir = net.room.path().join("network/worker");
    let alone = tokio::task::spawn_blocking(move || settle.run(&dir));
    net.dev.services.start_paymaster().await.unwrap();
    let (_, said) = alone.await.unwrap();
    assert!(said.contains("; 0 refused;"), "{said}");
    until_sql(&net, UNSETTLED, "0").await;
    until_sql(&net, OPEN_BATCHES, "0").await;
    assert_eq!(net.held_fri().await, 0);
    assert_eq!(net.sql("select spent_fri::text from sponsor").await, owed.to_string());
    assert_eq!(
        deposit.0 - pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap().0,
        owed
    );
    net.stop().await;
}

/// Statements that both sides have signed, one fri each but those at `dear`, which no allowance covers.
async fn made_up(net: &Net, seqs: std::ops::RangeInclusive<u64>, dear: u64) -> Vec<KeptStatement> {
    let network = &net.dev.network;
    let url = network.rpc_url.parse().unwrap();
    let chain = Chain::connect(url, Duration::from_secs(20)).await.unwrap();
    let (operator, key_file) = account(net, &chain, 1).await;
    assert_eq!(operator.address(), network.operator);
    let operator_key = PrivateKey::from_file(&key_file).unwrap();
    let worker_key = PrivateKey::from_file(&net.room.path().join("network/worker.key")).unwrap();
    let nothing = Signature { r: Digest(Felt::ZERO), s: Digest(Felt::ZERO) };
    let signed = |seq| {
        let mut kept = KeptStatement {
            id: StatementId(Uuid::from_u128(u128::from(seq))),
            chain_id: chain.chain_id(),
            contract: network.contracts.job_manager,
            sponsor: network.sponsor.address,
            worker: network.worker,
            seq,
            count: 1,
            amount_fri: if seq == dear { Fri(60 * Fri::ONE_STRK.0) } else { Fri(1) },
            root: Digest(Felt::from(seq)),
            signature: nothing,
            operator: network.operator,
            operator_key: operator_key.public_key(),
            operator_signature: nothing,
        };
        let by = |key: &PrivateKey, signer| {
            let message = kept.statement().message_hash(chain.chain_id(), signer);
            sign::sign(key.reveal(), &message).unwrap()
        };
        (kept.operator_signature, kept.signature) =
            (by(&operator_key, network.operator), by(&worker_key, network.worker));
        kept
    };
    seqs.map(signed).collect()
}

#[tokio::test]
async fn more_statements_than_fit_one_transaction_go_in_several_and_none_is_sent_behind_a_refused_one()
 {
    let mut net = Net::start().await;
    // Its books know nothing of what is made up here.
    net.dev.services.paymaster.stop().await.unwrap();
    let url = net.dev.network.rpc_url.parse().unwrap();
    let chain = Chain::connect(url, Duration::from_secs(20)).await.unwrap();
    let pool = Pool { address: net.dev.network.contracts.pool };
    let (sponsor, worker) = (net.dev.network.sponsor.address, net.dev.network.worker);
    let deposit = pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap();
    let (stranger, key_file) = account(&net, &chain, 9).await;
    let account = stranger.address().to_string();
    let settle = Settle { rpc_url: net.dev.network.rpc_url.clone(), account, key_file };
    let nonce = stranger.nonce().await.unwrap();

    let all = made_up(&net, 1..=116, 61).await;
    let said = settle.fail(&copy(&net.room, "many", &all, |_| {}));
    assert_eq!(said.matches("settled in 0x").count(), 60, "{said}");
    assert_eq!(said.matches("insufficient_allowance").count(), 1, "{said}");
    // The second transaction holds 51 to 100; what is left of the third was not sent.
    assert_eq!(said.matches("wrong_seq: one before it was not settled").count(), 39, "{said}");
    assert_eq!(said.matches("statement 61 of this sponsor must be settled first").count(), 16);
    assert_eq!(stranger.nonce().await.unwrap(), nonce + 2, "transactions");
    assert_eq!(pool.last_seq(&chain, sponsor, net.dev.network.operator, worker).await.unwrap(), 60);
    assert_eq!(
        deposit.0 - pool.deposit_of(&chain, sponsor, net.dev.network.operator).await.unwrap().0,
        60
    );
    net.stop().await;
}

#[tokio::test]
async fn a_worker_that_lost_its_disk_fetches_what_it_needs_to_settle_alone() {
    let mut net = Net::start().await;
    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGSTOP).unwrap();
    net.submit(b"unsettled").await;
    let countersigned = "select count(*)::text from statement where status = 'countersigned'";
    until_sql(&net, countersigned, "1").await;
    let dir = net.room.path().join("network/worker");
    let before = kept(&dir);
    net.dev.services.worker.signal(Signal::SIGKILL).unwrap();
    net.dev.services.worker.stop().await.unwrap();
    fs::remove_dir_all(&dir).unwrap();
    fs::create_dir(&dir).unwrap();
    net.dev.services.start_worker().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !dir.read_dir().unwrap().any(|entry| entry.unwrap().path().join("settled").is_dir())
        || kept(&dir).is_empty()
    {
        assert!(Instant::now() < deadline, "it never came back");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(kept(&dir), before);
    net.dev.stack.devnet_mut().service_mut().signal(Signal::SIGCONT).unwrap();
    until_sql(&net, UNSETTLED, "0").await;
    net.stop().await;
}

#[tokio::test]
async fn what_is_settled_the_worker_puts_aside_and_keeps() {
    let net = Net::start().await;
    net.submit(b"to be settled").await;
    until_sql(&net, "select count(*)::text from statement where status = 'settled'", "1").await;
    let dir = net.room.path().join("network/worker");
    let aside = || {
        let kept = kept(&dir);
        let inner = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let inner = inner.into_iter().find(|path| path.join("settled").is_dir()).unwrap();
        (kept.len(), fs::read_dir(inner.join("settled")).unwrap().count())
    };
    let deadline = Instant::now() + PATIENCE;
    while aside() != (1, 1) {
        assert!(Instant::now() < deadline, "not put aside: {:?}", aside());
        sleep(Duration::from_millis(100)).await;
    }
    net.stop().await;
}

#[tokio::test]
async fn a_worker_is_shown_what_it_needs_to_settle_alone_and_nobody_else_is() {
    let (mut net, worker) = Net::with_hand_worker().await;
    let get = |net: &Net, path: &str| net.gateway.get(path).bearer_auth(&worker.token);
    net.submit(b"one").await;
    let leases = worker.lease(&net, 1, 10_000).await;
    worker.submit(&net, vec![HandWorker::result(&leases[0])]).await;
    let waiting: StatementList =
        succeed(get(&net, &format!("/v1/statements/pending?wait_ms={}", limits::WAIT_MS_MAX)))
            .await;
    let document = &waiting.data[0];
    // Nobody may settle it before we have looked.
    net.dev.services.paymaster.stop().await.unwrap();
    let url = net.dev.network.rpc_url.parse().unwrap();
    let chain = Chain::connect(url, Duration::from_secs(20)).await.unwrap();
    let manager = JobManager { address: net.dev.network.contracts.job_manager };
    let key = manager.operator_key(&chain, document.operator).await.unwrap().unwrap();
    let by = |signer| document.statement().message_hash(chain.chain_id(), signer);
    let signature = document.operator_signature.unwrap();
    assert!(sign::verify(key, &by(net.dev.network.operator), &signature));

    let signature = sign::sign(&worker.key, &by(worker.address)).unwrap();
    let path = format!("/v1/statements/{}", document.id);
    let reply = worker.post(&net, &format!("{path}/countersign"));
    let reply = reply.json(&CountersignRequest { signature }).send().await.unwrap();
    assert!(reply.status().is_success());
    let page: StatementPage = succeed(get(&net, "/v1/statements?status=unsettled&limit=1")).await;
    assert_eq!((page.data.len(), page.has_more, page.next_after), (1, false, None));
    assert_eq!(page.data[0].status, StatementStatus::Countersigned);
    assert_eq!(page.data[0].signature, Some(signature));
    let shown: StatementDocument = succeed(get(&net, &path)).await;
    assert_eq!(shown, page.data[0]);
    let behind = format!("/v1/statements?status=unsettled&after={}", document.id);
    let page: StatementPage = succeed(get(&net, &behind)).await;
    assert!(page.data.is_empty());

    assert_eq!(refused(net.gateway.get(&path)).await, ErrorCode::Unauthenticated);
    let devices = net.gateway.get(&path).bearer_auth(&net.device.token);
    assert_eq!(refused(devices).await, ErrorCode::Forbidden);
    let unknown = format!("/v1/statements/{}", StatementId(Uuid::now_v7()));
    assert_eq!(refused(get(&net, &unknown)).await, ErrorCode::NotFound);
    assert_eq!(refused(get(&net, "/v1/statements/stm_x")).await, ErrorCode::NotFound);
    for query in [
        "",
        "?status=settled",
        "?status=unsettled&limit=0",
        "?status=unsettled&limit=11",
        "?status=unsettled&after=x",
        "?status=unsettled&more=1",
    ] {
        let code = refused(get(&net, &format!("/v1/statements{query}"))).await;
        assert_eq!(code, ErrorCode::InvalidRequest, "{query}");
    }
    let others = net.sql("update statement set worker = '0x1' returning 'moved'").await;
    assert_eq!(others, "moved");
    assert_eq!(refused(get(&net, &path)).await, ErrorCode::NotFound, "another worker's");
    net.stop().await;
}

#[test]
fn a_directory_without_statements_is_refused_with_a_question() {
    let room = Room::new();
    let key_file = room.path().join("key");
    let settle = Settle {
        rpc_url: "http://127.0.0.1:9/rpc".to_owned(),
        account: "0x1".to_owned(),
        key_file,
    };
    let said = settle.fail(room.path());
    assert!(said.contains("is it the worker's state directory?"), "{said}");
    let said = settle.fail(&room.path().join("nowhere"));
    assert!(said.contains("--worker-state-dir") && said.contains("nowhere"), "{said}");
}
