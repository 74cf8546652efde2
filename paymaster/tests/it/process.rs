//! The whole process: the real program, started, starved of its chain, killed and stopped.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ciro_api::{Fri, hash::sign};
use ciro_paymaster::{health::Health, settle::Step, statements};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::world::{DEPOSIT, NOTICE_S, WORKER_KEY, World, fri};

struct Paymaster {
    child: Child,
    dir: TempDir,
    url: String,
}

impl Paymaster {
    /// Starts the program and waits until it says where it listens.
    async fn start(world: &World) -> Self {
        let (mut child, dir) = Self::spawn(world);
        let path = |name: &str| -> PathBuf { dir.path().join(name) };
        let address = loop {
            if let Ok(address) = fs::read_to_string(path("ready")) {
                break address;
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{status}: {}", fs::read_to_string(path("log")).unwrap());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Self { child, dir, url: format!("http://{}/health", address.trim()) }
    }

    fn spawn(world: &World) -> (Child, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| -> PathBuf { dir.path().join(name) };
        world.deployment.write(&path("deployment.json")).unwrap();
        fs::write(path("key"), format!("{:#x}\n", world.operator_key.reveal())).unwrap();
        fs::set_permissions(path("key"), fs::Permissions::from_mode(0o600)).unwrap();
        let host = match &world.database.get_hosts()[0] {
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
            tokio_postgres::config::Host::Tcp(name) => name.clone(),
        };
        let database =
            format!("host={host} user=ciro dbname={}", world.database.get_dbname().unwrap());
        let child = Command::new("setpriv")
            .args(["--pdeathsig=SIGKILL", "--", env!("CARGO_BIN_EXE_ciro-paymaster")])
            .env("DATABASE_URL", database)
            .env("STARKNET_RPC_URL", world.devnet.url.as_str())
            .env("CIRO_DEPLOYMENT_FILE", path("deployment.json"))
            .env("CIRO_OPERATOR_ADDRESS", world.operator.address().to_string())
            .env("CIRO_OPERATOR_KEY_FILE", path("key"))
            .env("CIRO_PAYMASTER_LISTEN", "127.0.0.1:0")
            .env("CIRO_PAYMASTER_READY_FILE", path("ready"))
            .env("CIRO_STATEMENT_PERIOD_MS", "0")
            .env("CIRO_CLOSE_INTERVAL_MS", "20")
            .env("CIRO_WATCH_INTERVAL_MS", "20")
            .env("CIRO_SETTLE_INTERVAL_MS", "20")
            .env("CIRO_RPC_TIMEOUT_MS", "300")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(path("log")).unwrap())
            .spawn()
            .unwrap();
        (child, dir)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    async fn health(&self) -> Health {
        reqwest::get(&self.url).await.unwrap().json().await.unwrap()
    }

    async fn until(&self, what: &str, good: impl Fn(&Health) -> bool) -> Health {
        let asking = async {
            loop {
                let health = self.health().await;
                if good(&health) {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if let Ok(health) = tokio::time::timeout(Duration::from_mins(1), asking).await {
            return health;
        }
        panic!("never {what}: {:?}\n{}", self.health().await, self.log());
    }

    fn end(mut self, signal: Signal) -> (std::process::ExitStatus, String) {
        let log = {
            kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
            let status = self.child.wait().unwrap();
            (status, self.log())
        };
        let mut printed = String::new();
        std::io::Read::read_to_string(&mut self.child.stdout.take().unwrap(), &mut printed)
            .unwrap();
        assert_eq!(printed, "", "logs go to stderr only");
        log
    }
}

/// What was closed can be countersigned once it is signed.
fn signed_one(health: &Health) -> bool {
    (health.statements.closed, health.statements.unsigned) == (1, 0)
}

/// Countersigns whatever the program closes, until so many statements are settled.
async fn settle_all(world: &World, paymaster: &Paymaster, settled: u64) -> Health {
    let countersigning = async {
        loop {
            world.countersign().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = countersigning => unreachable!("it never ends by itself"),
        health = paymaster.until("settled", |h| h.statements.settled == settled) => health,
    }
}

#[tokio::test]
async fn the_program_settles_by_itself_and_stops_when_told_and_never_shows_its_key() {
    let mut world = World::start(DEPOSIT).await;
    let paymaster = Paymaster::start(&world).await;
    paymaster.until("ok", |health| health.status == "ok").await;
    world.earn(5).await;
    let health = settle_all(&world, &paymaster, 1).await;
    assert_eq!(health.operator, world.operator.address());
    world.check_books(fri(5)).await;
    let (status, log) = paymaster.end(Signal::SIGTERM);
    assert!(status.success(), "{status}\n{log}");
    let key = format!("{:x}", world.operator_key.reveal());
    assert!(!log.contains(&key), "the key is in the log");
    assert!(log.lines().all(|line| line.starts_with('{')), "logs are JSON:\n{log}");
}

#[tokio::test]
async fn settling_goes_on_by_itself_after_the_chain_was_away_and_jobs_went_on_meanwhile() {
    let mut world = World::start(DEPOSIT).await;
    let paymaster = Paymaster::start(&world).await;
    paymaster.until("ok", |health| health.status == "ok").await;
    world.devnet.pause();
    paymaster.until("degraded", |health| !health.chain.reachable).await;
    world.earn(6).await;
    paymaster.until("signed", signed_one).await;
    world.countersign().await;
    let away = paymaster.until("countersigned", |h| h.statements.countersigned == 1).await;
    assert_eq!(away.status, "degraded");
    world.devnet.resume();
    settle_all(&world, &paymaster, 1).await;
    paymaster.until("ok again", |health| health.status == "ok").await;
    world.check_books(fri(6)).await;
}

#[tokio::test]
async fn killing_the_program_again_and_again_while_it_settles_pays_each_receipt_once() {
    let mut world = World::start(DEPOSIT).await;
    let mut jobs = 0;
    for round in 0..6_u64 {
        let paymaster = Paymaster::start(&world).await;
        world.earn(3).await;
        jobs += 3;
        let closed = |h: &Health| h.statements.settled + h.statements.closed > round;
        paymaster.until("closed", closed).await;
        world.countersign().await;
        // Each round it dies a little later on its way to the settled statement.
        tokio::time::sleep(Duration::from_millis(15 * round)).await;
        paymaster.end(Signal::SIGKILL);
    }
    let paymaster = Paymaster::start(&world).await;
    let statements = world.statuses().await.len();
    settle_all(&world, &paymaster, u64::try_from(statements).unwrap()).await;
    world.check_books(fri(jobs)).await;
    let (status, _) = paymaster.end(Signal::SIGINT);
    assert!(status.success());
}

#[tokio::test]
async fn a_sponsor_without_enough_allowance_is_visible_and_settles_once_it_gives_more() {
    let mut world = World::start(fri(4)).await;
    let paymaster = Paymaster::start(&world).await;
    world.earn(4).await;
    let revoke = world.pool().set_allowance(world.operator.address(), Fri(1));
    world.sponsor.execute(vec![revoke]).await.unwrap();
    world.devnet.pass_time(NOTICE_S).await;
    world.watch().await;
    // The database's clock follows the chain's.
    world.client.batch_execute("update chain_sponsor set allowance_counts_from = 0").await.unwrap();
    paymaster.until("signed", signed_one).await;
    world.countersign().await;
    let short =
        paymaster.until("short", |h| h.statements.uncovered == 1 && h.statements.sent == 0).await;
    assert_eq!(short.status, "degraded");
    let raise = world.pool().set_allowance(world.operator.address(), fri(4));
    world.sponsor.execute(vec![raise]).await.unwrap();
    settle_all(&world, &paymaster, 1).await;
    world.check_books(fri(4)).await;
}

#[tokio::test]
async fn the_program_does_not_start_to_sign_with_a_key_that_the_chain_does_not_know_as_the_operators()
 {
    let world = World::start(DEPOSIT).await;
    for registered in [None, Some(sign::public_key(&WORKER_KEY))] {
        let register = world.job_manager().register_operator(registered);
        world.operator.execute(vec![register]).await.unwrap();
        let (mut child, dir) = Paymaster::spawn(&world);
        let status = child.wait().unwrap();
        let log = fs::read_to_string(dir.path().join("log")).unwrap();
        assert_eq!(status.code(), Some(1), "{log}");
        let ours = world.operator_key.public_key().to_string();
        assert!(log.contains("ciro operator register") && log.contains(&ours), "{log}");
    }
}

#[tokio::test]
async fn what_an_earlier_run_closed_and_did_not_sign_is_signed_once_the_chain_confirms_the_key() {
    let mut world = World::start(DEPOSIT).await;
    world.earn(2).await;
    statements::close(&mut world.client, Duration::ZERO).await.unwrap();
    world.devnet.pause();
    let paymaster = Paymaster::start(&world).await;
    world.earn(1).await;
    let away = paymaster.until("closed", |h| h.statements.closed == 2).await;
    assert_eq!((away.statements.unsigned, away.status.as_str()), (2, "degraded"));
    world.countersign().await;
    assert_eq!(world.statuses().await, ["closed", "closed"], "what is not signed is not shown");
    world.devnet.resume();
    paymaster.until("signed", |h| h.statements.unsigned == 0).await;
    settle_all(&world, &paymaster, 2).await;
    world.check_books(fri(3)).await;
}

#[tokio::test]
async fn what_was_settled_after_the_backup_of_a_restored_database_is_seen_and_not_sent_again() {
    let mut world = World::start(DEPOSIT).await;
    world.state(3).await;
    let backup = "create temporary table b as select status, batch_id from statement";
    world.client.batch_execute(backup).await.unwrap();
    assert_eq!(world.settler.step(&mut world.client).await.unwrap(), Step::Sent(1));
    let nonce = world.operator.nonce().await.unwrap();
    // As it was before: nothing was sent, and the mirror is behind.
    let restore =
        "update statement set status = b.status, batch_id = b.batch_id, attempts = 0 from b;
                   delete from settlement_batch";
    world.client.batch_execute(restore).await.unwrap();
    let paymaster = Paymaster::start(&world).await;
    paymaster.until("settled", |health| health.statements.settled == 1).await;
    world.check_books(fri(3)).await;
    let (status, log) = paymaster.end(Signal::SIGTERM);
    assert!(status.success(), "{status}\n{log}");
    assert_eq!(world.operator.nonce().await.unwrap(), nonce, "nothing was sent\n{log}");
}
