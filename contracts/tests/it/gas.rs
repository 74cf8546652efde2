//! What every call costs on chain, against the numbers in `gas.json`. Each number is the L2 gas of a whole transaction
//! of an `OpenZeppelin` account; `transaction_without_calls` is what of it is the account's own.
//!
//! `make gas` writes the file anew.

mod fleet;
mod forwarder;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

use ciro_api::{
    Address, AttestedJob, Fri, JobId, OnchainJobId,
    felt::Digest,
    hash::{sign, statement::Statement},
    limits::{RECEIPTS_MAX, STATEMENTS_MAX},
};
use ciro_contracts::{KeyedAccount, OperatorSignedStatement, Role, SignedStatement};
use starknet_rust::core::types::Call;

use crate::net::{
    Contracts, MIN_PRICE, MIN_STAKE, NOTICE_S, Net, UNBONDING_S, WINDOW_S, model, worker_key,
};

/// In percent.
const DRIFT_MAX: u64 = 2;
const DEPOSIT: Fri = Fri(1_000_000);
const SPONSORS: usize = 5;
/// Those that settle; then three that lie in time.
const WORKERS: usize = 10;
const LIARS: usize = 4;
const INPUT: &[u8] = &[7; 8_192];
const OUTPUT: &[u8] = &[9; 2_048];

struct Bill {
    net: Net,
    contracts: Contracts,
    /// The number of the next statement of every pair.
    seq: u64,
    gas: BTreeMap<&'static str, u64>,
}

impl Bill {
    async fn start() -> Self {
        let accounts = 2 + SPONSORS + WORKERS + LIARS;
        let net = Net::start(u8::try_from(accounts).unwrap()).await;
        let contracts = net.deploy(1_000_000 * Fri::ONE_STRK.0).await;
        Self { net, contracts, seq: 1, gas: BTreeMap::new() }
    }

    fn sponsor(&self, number: usize) -> &KeyedAccount {
        &self.net.accounts[2 + number]
    }

    fn worker(&self, number: usize) -> &KeyedAccount {
        &self.net.accounts[2 + SPONSORS + number]
    }

    /// Has no part in the network.
    fn stranger(&self) -> &KeyedAccount {
        &self.net.accounts[1]
    }

    async fn measure(&mut self, name: &'static str, account: &KeyedAccount, calls: Vec<Call>) {
        let used = self.net.gas_of(account, calls).await;
        assert!(self.gas.insert(name, used).is_none(), "{name} is measured twice");
    }

    /// The first statements of as many pairs, each from another sponsor or to another worker.
    fn statements(&self, count: usize) -> Vec<SignedStatement> {
        let statement = |n: usize| Statement {
            sponsor: self.sponsor(n % SPONSORS).address(),
            operator: self.net.operator().address(),
            worker: self.worker(n / SPONSORS).address(),
            seq: self.seq,
            count: u64::try_from(RECEIPTS_MAX).unwrap(),
            amount: Fri(1_000),
            receipts: Digest((0xd16e_5700 + n).into()),
            contract: self.contracts.manager.address,
        };
        (0..count).map(|n| self.contracts.sign(statement(n), n / SPONSORS)).collect()
    }

    async fn settle(&mut self, name: &'static str, count: usize) {
        let operator = self.net.operator().clone();
        let call = self.contracts.manager.settle(&self.statements(count));
        self.measure(name, &operator, vec![call]).await;
        for signed in self.statements(count) {
            let last = self.last_seq(signed.statement).await;
            assert_eq!(last, signed.statement.seq, "{name}: a statement did not settle");
        }
    }

    async fn last_seq(&self, statement: Statement) -> u64 {
        let Statement { sponsor, operator, worker, .. } = statement;
        let (chain, pool) = (&self.net.chain, self.contracts.pool);
        pool.last_seq(chain, sponsor, operator, worker).await.unwrap()
    }

    async fn set_up(&mut self) {
        let Contracts { manager, token, deployment, .. } = self.contracts;
        let operator = self.net.operator().clone();
        self.measure("transaction_without_calls", &operator, vec![]).await;
        let stranger = self.stranger().address();
        self.measure("transfer", &operator, vec![token.transfer(stranger, Fri(1))]).await;
        self.measure(
            "register_model",
            &operator,
            vec![manager.register_model(&model(&deployment))],
        )
        .await;
        let key = sign::public_key(&worker_key(99));
        self.measure("register_operator", &operator, vec![manager.register_operator(Some(key))])
            .await;
        self.fund_sponsors(&operator).await;
        self.fund_workers().await;
    }

    async fn fund_sponsors(&mut self, operator: &KeyedAccount) {
        let Contracts { pool, token, .. } = self.contracts;
        let operator = operator.address();
        for number in 0..SPONSORS {
            let sponsor = self.sponsor(number).clone();
            let approve = token.approve(pool.address, Fri(10 * DEPOSIT.0));
            let (deposit, allow) =
                (pool.deposit(operator, DEPOSIT), pool.set_allowance(operator, DEPOSIT));
            if number == 0 {
                self.net.execute(&sponsor, vec![approve]).await.unwrap();
                self.measure("deposit", &sponsor, vec![deposit]).await;
                self.measure("set_allowance", &sponsor, vec![allow]).await;
            } else {
                self.net.execute(&sponsor, vec![approve, deposit, allow]).await.unwrap();
            }
        }
    }

    async fn fund_workers(&mut self) {
        let Contracts { pool, token, manager, .. } = self.contracts;
        for number in 0..WORKERS + LIARS {
            let worker = self.worker(number).clone();
            let approve = token.approve(pool.address, MIN_STAKE);
            let stake = pool.stake(MIN_STAKE);
            let register = manager.register_worker(sign::public_key(&worker_key(number)));
            if number == 0 {
                self.net.execute(&worker, vec![approve]).await.unwrap();
                self.measure("stake", &worker, vec![stake]).await;
                self.measure("register_worker", &worker, vec![register]).await;
            } else {
                self.net.execute(&worker, vec![approve, stake, register]).await.unwrap();
            }
        }
    }

    /// The same pairs settle again and again, as they do in life: new slots cost more once.
    async fn settle_all_ways(&mut self) {
        self.net.begin_window().await;
        self.settle("settle_50_of_new_pairs", STATEMENTS_MAX).await;
        // All in one challenge window: a window's first payment of a pair is measured by itself.
        self.seq = 2;
        self.settle("settle_50", STATEMENTS_MAX).await;
        self.net.devnet.pass_time(2 * WINDOW_S).await;
        self.seq = 3;
        self.settle("settle_50_in_a_new_window", STATEMENTS_MAX).await;
        self.seq = 4;
        self.settle("settle_10", 10).await;
        self.seq = 5;
        self.settle("settle_1", 1).await;
        self.naive().await;
        self.settle_alone().await;
        self.refusals().await;
    }

    /// What a transaction for each job would cost: the same proofs and payment for a single receipt.
    async fn naive(&mut self) {
        let signed = self.statements(1)[0];
        let statement = Statement { count: 1, seq: 6, ..signed.statement };
        let call = self.contracts.manager.settle(&[self.contracts.sign(statement, 0)]);
        let operator = self.net.operator().clone();
        self.measure("settle_1_job", &operator, vec![call]).await;
    }

    /// By somebody else, with the operator's signatures.
    async fn settle_alone(&mut self) {
        let (operator, manager) = (self.net.operator().address(), self.contracts.manager);
        // Pairs 1 to 9 have had four statements, the first one six, the rest three.
        let next = |n: usize| match n {
            0 => 7,
            1..10 => 5,
            _ => 4,
        };
        let both = |n: usize, signed: &SignedStatement| {
            let statement = Statement { seq: next(n), ..signed.statement };
            let signature = self.contracts.signature(&statement, operator, &worker_key(99));
            let signed = self.contracts.sign(statement, n / SPONSORS);
            OperatorSignedStatement { signed, operator: signature }
        };
        let signed: Vec<_> =
            self.statements(STATEMENTS_MAX).iter().enumerate().map(|(n, s)| both(n, s)).collect();
        let stranger = self.stranger().clone();
        self.measure("settle_for_50", &stranger, vec![manager.settle_for(operator, &signed)]).await;
        for OperatorSignedStatement { signed, .. } in signed {
            let last = self.last_seq(signed.statement).await;
            assert_eq!(last, signed.statement.seq, "settle_for: a statement did not settle");
        }
    }

    /// Where the gas of a settlement goes: each batch is refused one check later than the one before.
    async fn refusals(&mut self) {
        let (operator, contracts) = (self.net.operator().clone(), self.contracts);
        self.seq = 99;
        let out_of_turn = self.statements(STATEMENTS_MAX);
        let with = |change: fn(&mut SignedStatement)| {
            let mut signed = out_of_turn.clone();
            signed.iter_mut().for_each(change);
            vec![contracts.manager.settle(&signed)]
        };
        let calls = [
            ("settle_50_refused_for_their_count", with(|signed| signed.statement.count = 0)),
            ("settle_50_refused_for_their_signature", with(|signed| signed.statement.seq = 98)),
            ("settle_50_refused_for_their_number", with(|_| {})),
        ];
        for (name, call) in calls {
            self.measure(name, &operator, call).await;
        }
    }

    async fn claim(&mut self) {
        let Contracts { pool, manager, .. } = self.contracts;
        self.net.devnet.pass_time(2 * WINDOW_S).await;
        let stranger = self.stranger().clone();
        let sponsors: Vec<Address> = (0..SPONSORS).map(|n| self.sponsor(n).address()).collect();
        let (one, other) = (self.worker(0).address(), self.worker(1).address());
        self.measure("claim_from_1_sponsor", &stranger, vec![pool.claim(one, &sponsors[..1])])
            .await;
        self.measure("claim_from_5_sponsors", &stranger, vec![pool.claim(other, &sponsors)]).await;
        self.measure("mint_credits", &stranger, vec![manager.mint_credits(one)]).await;
    }

    async fn onchain_jobs(&mut self) {
        let Contracts { pool, manager, token, .. } = self.contracts;
        let poster = self.stranger().clone();
        let approve = token.approve(pool.address, Fri(10 * MIN_PRICE.0));
        self.net.execute(&poster, vec![approve]).await.unwrap();
        let deadline = self.net.now().await + NOTICE_S;
        let post = |bytes: usize| {
            vec![manager.post_job(crate::net::MODEL, MIN_PRICE, deadline, &INPUT[..bytes])]
        };
        self.measure("post_job_1_kB", &poster, post(1_024)).await;
        self.measure("post_job_8_kB", &poster, post(8_192)).await;
        let (worker, by) = (self.worker(0).address(), self.worker(0).clone());
        let evidence = |job, input: &[u8], output: &[u8]| {
            self.contracts.evidence(
                (worker, 0),
                (AttestedJob::from(OnchainJobId(job)), 0),
                input,
                output,
            )
        };
        let small = evidence(1, &INPUT[..1_024], &OUTPUT[..32]);
        let large = evidence(2, INPUT, OUTPUT);
        self.measure("fulfil_32_B", &by, vec![manager.fulfil(&small, &OUTPUT[..32])]).await;
        self.measure("fulfil_2_kB", &by, vec![manager.fulfil(&large, OUTPUT)]).await;
        let deliver = manager.deliver(OnchainJobId(2), OUTPUT);
        self.measure("deliver_2_kB_to_a_poster_that_cannot_take_it", &by, vec![deliver]).await;
        self.net.execute(&poster, post(32)).await.unwrap();
        self.net.devnet.pass_time(NOTICE_S + 1).await;
        self.measure("reclaim", &by, vec![manager.reclaim(OnchainJobId(3))]).await;
    }

    /// Each takes a worker with it.
    async fn frauds(&mut self) {
        let Contracts { pool, manager, .. } = self.contracts;
        let reporter = self.stranger().clone();
        let job = AttestedJob::from(JobId(uuid::Uuid::from_u128(7)));
        let liar = |n: usize| (self.worker(WORKERS + n).address(), WORKERS + n);
        let claims = |n: usize, bytes: usize, output: &[u8]| {
            self.contracts.evidence(liar(n), (job, 1), &INPUT[..bytes], output)
        };
        let call = manager.slash_equivocation(&claims(0, 32, b"one"), &claims(0, 32, b"another"));
        let adjudicate = |n: usize, bytes: usize| {
            vec![manager.adjudicate(&claims(n, bytes, &OUTPUT[..32]), &INPUT[..bytes], &[])]
        };
        let calls = [
            ("slash_equivocation", vec![call]),
            ("adjudicate_sha256_1_kB", adjudicate(1, 1_024)),
            ("adjudicate_sha256_4_kB", adjudicate(2, 4_096)),
            ("adjudicate_sha256_8_kB", adjudicate(3, 8_192)),
        ];
        for (name, calls) in calls {
            self.measure(name, &reporter, calls).await;
        }
        for n in 0..LIARS {
            let worker = self.worker(WORKERS + n).address();
            let stake = pool.stake_of(&self.net.chain, worker).await.unwrap();
            assert_eq!(stake, Fri::ZERO, "liar {n} still has its stake");
        }
    }

    /// Pay of the first window goes back when its worker is slashed.
    async fn return_pay(&mut self) {
        let Contracts { pool, manager, .. } = self.contracts;
        let (operator, reporter) = (self.net.operator().clone(), self.stranger().clone());
        let (worker, sponsor) = (self.worker(2).address(), self.sponsor(0).address());
        let signed = self.statements(STATEMENTS_MAX)[2 * SPONSORS];
        let last = self.last_seq(signed.statement).await;
        let statement = Statement { seq: last + 1, ..signed.statement };
        assert_eq!((statement.worker, statement.sponsor), (worker, sponsor));
        let settle = manager.settle(&[self.contracts.sign(statement, 2)]);
        self.net.execute(&operator, vec![settle]).await.unwrap();
        let job = AttestedJob::from(JobId(uuid::Uuid::from_u128(8)));
        let claims =
            |output: &[u8]| self.contracts.evidence((worker, 2), (job, 1), b"input", output);
        let slash = manager.slash_equivocation(&claims(b"one"), &claims(b"another"));
        self.net.execute(&reporter, vec![slash]).await.unwrap();
        self.measure(
            "return_pay_to_1_sponsor",
            &reporter,
            vec![pool.return_pay(worker, &[sponsor])],
        )
        .await;
    }

    async fn leave(&mut self) {
        let Contracts { pool, manager, .. } = self.contracts;
        let operator = self.net.operator().clone();
        let (sponsor, worker) = (self.sponsor(0).clone(), self.worker(0).clone());
        let by = operator.address();
        self.measure("announce_withdrawal", &sponsor, vec![pool.announce_withdrawal(by, DEPOSIT)])
            .await;
        self.measure("announce_unstake", &worker, vec![pool.announce_unstake(MIN_STAKE)]).await;
        self.net.devnet.pass_time(UNBONDING_S).await;
        self.measure("withdraw", &sponsor, vec![pool.withdraw(by)]).await;
        self.measure("unstake", &worker, vec![pool.unstake()]).await;
        self.measure("deregister_worker", &worker, vec![manager.deregister_worker()]).await;
        self.measure("pause", &operator, vec![manager.pause()]).await;
        self.measure("unpause", &operator, vec![manager.unpause()]).await;
        let to = sponsor.address();
        let propose = vec![manager.propose_handover(Role::Guardian, to)];
        self.measure("propose_handover", &operator, propose).await;
        self.net.devnet.pass_time(NOTICE_S).await;
        self.measure("accept_handover", &sponsor, vec![manager.accept_handover(Role::Guardian)])
            .await;
    }
}

fn file() -> PathBuf {
    PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap()).join("gas.json")
}

/// Every number that is missing, new or further off than [`DRIFT_MAX`], in words.
fn drift(committed: &BTreeMap<String, u64>, measured: &BTreeMap<String, u64>) -> Vec<String> {
    let names: BTreeSet<&String> = committed.keys().chain(measured.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        match (committed.get(name), measured.get(name)) {
            (Some(old), Some(new)) if old.abs_diff(*new) * 100 > old * DRIFT_MAX => {
                lines.push(format!("{name}: {old} committed, {new} measured"));
            }
            (Some(_), Some(_)) => {}
            (old, new) => lines.push(format!("{name}: {old:?} committed, {new:?} measured")),
        }
    }
    lines
}

#[tokio::test]
async fn every_call_costs_what_gas_json_says_and_fits_a_transaction_of_mainnet() {
    let mut bill = Bill::start().await;
    bill.set_up().await;
    bill.settle_all_ways().await;
    bill.claim().await;
    bill.onchain_jobs().await;
    bill.frauds().await;
    bill.return_pay().await;
    bill.leave().await;
    // Each has a chain of its own.
    let (forwarding, fleets) = tokio::join!(forwarder::Forwarding::bill(), fleet::Fleets::bill());
    bill.gas.extend(forwarding);
    bill.gas.extend(fleets);
    let measured: BTreeMap<String, u64> =
        bill.gas.iter().map(|(name, used)| ((*name).to_owned(), *used)).collect();
    if env::var("UPDATE").is_ok() {
        fs::write(file(), format!("{}\n", serde_json::to_string_pretty(&measured).unwrap()))
            .unwrap();
        return;
    }
    let committed = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    let lines = drift(&committed, &measured);
    assert!(lines.is_empty(), "run `make gas` if this is meant:\n{}", lines.join("\n"));
}

#[test]
fn a_drift_over_two_percent_a_new_call_and_a_lost_one_are_seen() {
    let of = |pairs: &[(&str, u64)]| pairs.iter().map(|(n, g)| ((*n).to_owned(), *g)).collect();
    let committed = of(&[("same", 1_000), ("more", 1_000), ("less", 1_000), ("lost", 1)]);
    assert!(drift(&committed, &committed).is_empty());
    let measured = of(&[("same", 1_020), ("more", 1_021), ("less", 979), ("new", 1)]);
    let lines = drift(&committed, &measured);
    let names: Vec<&str> = lines.iter().map(|l| l.split(':').next().unwrap()).collect();
    assert_eq!(names, ["less", "lost", "more", "new"]);
}

/// Rows of the page that open with the name of a call, and the gas they quote.
fn quoted(page: &str) -> Vec<(String, u64)> {
    page.lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `")?.split_once('`')?;
            let gas = rest.split('|').nth(1)?.trim().replace(',', "");
            Some((name.to_owned(), gas.parse().ok()?))
        })
        .collect()
}

#[test]
fn the_page_about_gas_quotes_gas_json() {
    let root = file();
    let page = root.parent().unwrap().join("../docs/src/reference/gas.md");
    let committed: BTreeMap<String, u64> =
        serde_json::from_str(&fs::read_to_string(&root).unwrap()).unwrap();
    let quoted = quoted(&fs::read_to_string(page).unwrap());
    assert_eq!(quoted.len(), 35, "{quoted:?}");
    for (name, gas) in quoted {
        assert_eq!(committed.get(&name), Some(&gas), "{name}");
    }
}
