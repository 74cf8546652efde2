//! One deployment on which anything happens, beside the books of what should come of it.

use std::collections::{HashMap, HashSet};

use ciro_api::{
    Address, Fri, TxHash,
    felt::Digest,
    hash::{sign, statement::Statement},
};
use ciro_contracts::{
    AccountError, Event, KeyedAccount, Located, OperatorSignedStatement, SignedStatement,
    TransactionOutcome,
};
use proptest::prelude::*;
use starknet_rust::core::types::Call;

use crate::{
    books::{Books, Line, Operator, Refusal, Sponsor, Worker},
    net::{Contracts, MIN_STAKE, Net, TREASURY, UNBONDING_S, model, worker_key},
    ops::{OPERATORS, SPONSORS, WORKERS},
};

/// Where in a window every sequence begins, and all of its steps in time are halves of one: so nothing is ever decided by
/// the seconds that a slow machine takes.
const OFFSET_S: u64 = 100;

/// One deployment, the accounts that act on it, and what they should have.
pub(crate) struct Case<'a> {
    pub(crate) net: &'a Net,
    pub(crate) contracts: Contracts,
    pub(crate) books: Books,
    fees: HashMap<Address, u128>,
    from_block: u64,
    wallets: HashMap<Address, Fri>,
}

fn name_of(account: usize) -> Option<String> {
    match account {
        2 | 3 => Some(format!("sponsor {}", account - OPERATORS)),
        4..7 => Some(format!("worker {}", account - OPERATORS - SPONSORS)),
        7 => Some("reporter".to_owned()),
        _ => None,
    }
}

impl<'a> Case<'a> {
    pub(crate) async fn start(net: &'a Net, number: u128) -> Self {
        let contracts = net.deploy(number).await;
        let operator = net.operator();
        let register = contracts.manager.register_model(&model(&contracts.deployment));
        net.execute(operator, vec![register]).await.unwrap();
        let mut case = Self {
            net,
            contracts,
            books: Books::default(),
            fees: HashMap::new(),
            from_block: contracts.deployment.deployed_at_block,
            wallets: HashMap::new(),
        };
        case.register().await;
        net.begin_window().await;
        net.devnet.pass_time(OFFSET_S).await;
        for n in 0..net.accounts.len() {
            let address = net.accounts[n].address();
            case.wallets.insert(address, case.balance(address).await);
        }
        case.wallets.insert(TREASURY, case.balance(TREASURY).await);
        case
    }

    async fn register(&self) {
        let Contracts { pool, token, manager, .. } = self.contracts;
        let approve = || token.approve(pool.address, Fri(1 << 100));
        for o in 0..OPERATORS {
            let key = sign::public_key(&worker_key(90 + o));
            self.net
                .execute(self.operator(o), vec![manager.register_operator(Some(key))])
                .await
                .unwrap();
        }
        for s in 0..SPONSORS {
            self.net.execute(self.sponsor(s), vec![approve()]).await.unwrap();
        }
        for w in 0..WORKERS {
            // Registering takes a stake; the books begin after it has left again.
            let key = manager.register_worker(sign::public_key(&worker_key(w)));
            let calls =
                vec![approve(), pool.stake(MIN_STAKE), key, pool.announce_unstake(MIN_STAKE)];
            self.net.execute(self.worker(w), calls).await.unwrap();
        }
        self.net.devnet.pass_time(UNBONDING_S).await;
        for w in 0..WORKERS {
            self.net.execute(self.worker(w), vec![pool.unstake()]).await.unwrap();
        }
    }

    fn operator(&self, o: Operator) -> &'a KeyedAccount {
        &self.net.accounts[o]
    }

    pub(crate) fn sponsor(&self, s: Sponsor) -> &'a KeyedAccount {
        &self.net.accounts[OPERATORS + s]
    }

    pub(crate) fn worker(&self, w: Worker) -> &'a KeyedAccount {
        &self.net.accounts[OPERATORS + SPONSORS + w]
    }

    /// Acts for whoever may: reports, claims, settles for others.
    pub(crate) fn stranger(&self) -> &'a KeyedAccount {
        &self.net.accounts[OPERATORS + SPONSORS + WORKERS]
    }

    async fn balance(&self, address: Address) -> Fri {
        self.contracts.token.balance_of(&self.net.chain, address).await.unwrap()
    }

    /// Sends one call, keeps its fee in mind, and says when its block was made.
    async fn send(&mut self, by: &KeyedAccount, call: Call) -> Result<(TxHash, u64), AccountError> {
        let hash = self.net.execute(by, vec![call]).await?;
        assert_eq!(self.net.chain.outcome(hash).await?, TransactionOutcome::Succeeded);
        let receipt = self.net.receipt(hash).await;
        let fee =
            receipt["actual_fee"]["amount"].as_str().unwrap().trim_start_matches("0x").to_owned();
        *self.fees.entry(by.address()).or_default() += u128::from_str_radix(&fee, 16).unwrap();
        let block = receipt["block_number"].as_u64().unwrap();
        Ok((hash, self.net.chain.block_timestamp(block).await.unwrap()))
    }

    /// The chain does what `judge` makes the books do, or refuses with the same word.
    pub(crate) async fn call(
        &mut self,
        by: &KeyedAccount,
        call: Call,
        judge: impl Fn(&mut Books, u64) -> Result<(), Refusal>,
    ) -> Result<(), TestCaseError> {
        match self.send(by, call).await {
            Ok((_, now)) => {
                let judged = judge(&mut self.books, now);
                prop_assert_eq!(judged, Ok(()), "the chain did it");
            }
            Err(error) => {
                let now = self.net.now().await;
                let text = format!("{error:?}");
                let refusal = judge(&mut self.books, now).err();
                let refusal =
                    refusal.ok_or_else(|| TestCaseError::fail(format!("refused: {text}")))?;
                prop_assert!(text.contains(refusal), "not {}: {}", refusal, text);
            }
        }
        Ok(())
    }

    pub(crate) fn lines(&self, o: Operator, wanted: &[(Sponsor, Worker, i64, u128)]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for &(sponsor, worker, shift, amount) in wanted {
            let before =
                lines.iter().filter(|l| (l.sponsor, l.worker) == (sponsor, worker)).count();
            let right = self.books.next_seq(sponsor, o, worker) + u64::try_from(before).unwrap();
            let seq = right.saturating_add_signed(shift);
            lines.push(Line { sponsor, worker, seq, amount });
        }
        lines
    }

    fn statement(&self, o: Operator, line: &Line) -> Statement {
        Statement {
            sponsor: self.sponsor(line.sponsor).address(),
            operator: self.operator(o).address(),
            worker: self.worker(line.worker).address(),
            seq: line.seq,
            count: 1,
            amount: Fri(line.amount),
            receipts: Digest(7_u64.into()),
            contract: self.contracts.manager.address,
        }
    }

    pub(crate) async fn settle(
        &mut self,
        o: Operator,
        lines: &[Line],
        alone: bool,
    ) -> Result<(), TestCaseError> {
        let signed: Vec<SignedStatement> = lines
            .iter()
            .map(|line| self.contracts.sign(self.statement(o, line), line.worker))
            .collect();
        let operator = self.operator(o).address();
        let both = |signed: &SignedStatement| OperatorSignedStatement {
            signed: *signed,
            operator: self.contracts.signature(&signed.statement, operator, &worker_key(90 + o)),
        };
        let (by, call) = if alone {
            let signed: Vec<_> = signed.iter().map(both).collect();
            (self.stranger(), self.contracts.manager.settle_for(operator, &signed))
        } else {
            (self.operator(o), self.contracts.manager.settle(&signed))
        };
        let (hash, now) = self.send(by, call).await.unwrap();
        let judged = self.books.settle(o, lines, now);
        let expected: Vec<_> = judged.into_iter().map(|o| o.map_err(str::to_owned)).collect();
        prop_assert_eq!(self.outcomes(hash).await, expected);
        Ok(())
    }

    /// What a settlement said about its statements, in their order.
    async fn outcomes(&self, hash: TxHash) -> Vec<Result<(), String>> {
        let events = self.events().await;
        let ours = events.into_iter().filter(|located| located.tx_hash == hash);
        ours.filter_map(|located| match located.event {
            Event::StatementSettled(_) => Some(Ok(())),
            Event::StatementRefused(refused) => Some(Err(refused.reason)),
            _ => None,
        })
        .collect()
    }

    async fn events(&self) -> Vec<Located> {
        let addresses = [self.contracts.pool.address, self.contracts.manager.address];
        let head = self.net.chain.head().await.unwrap().number;
        let raw = self.net.chain.events(&addresses, self.from_block, head).await.unwrap();
        raw.iter().map(|event| Located::decode(event).unwrap()).collect()
    }

    pub(crate) fn sponsors(&self) -> Vec<Address> {
        (0..SPONSORS).map(|s| self.sponsor(s).address()).collect()
    }

    /// Every balance on chain is what the books say, and the pool holds exactly what all of them add up to.
    pub(crate) async fn check(&self) -> Result<(), TestCaseError> {
        let (chain, pool, now) = (&self.net.chain, self.contracts.pool, self.net.now().await);
        let mut owed = 0;
        for s in 0..SPONSORS {
            let sponsor = self.sponsor(s).address();
            for o in 0..OPERATORS {
                let operator = self.operator(o).address();
                let deposit = pool.deposit_of(chain, sponsor, operator).await.unwrap().0;
                let allowance = pool.allowance_of(chain, sponsor, operator).await.unwrap().0;
                prop_assert_eq!(deposit, self.books.deposit_of(s, o), "deposit {} for {}", s, o);
                prop_assert_eq!(
                    allowance,
                    self.books.allowance_of(s, o, now),
                    "allowance {} {}",
                    s,
                    o
                );
                owed += deposit;
            }
            let escrow = pool.escrow_of(chain, sponsor).await.unwrap().0;
            prop_assert_eq!(escrow, self.books.escrow_of(s), "escrow of {}", s);
            owed += escrow;
        }
        for w in 0..WORKERS {
            owed += self.check_worker(w, now).await?;
        }
        prop_assert_eq!(self.balance(pool.address).await.0, owed, "the pool holds what it owes");
        Ok(())
    }

    async fn check_worker(&self, w: Worker, now: u64) -> Result<u128, TestCaseError> {
        let (chain, pool, worker) =
            (&self.net.chain, self.contracts.pool, self.worker(w).address());
        let stake = pool.stake_of(chain, worker).await.unwrap().0;
        prop_assert_eq!(stake, self.books.stake_of(w), "stake of {}", w);
        let mut mature = pool.claimable_of(chain, worker).await.unwrap().0;
        let mut locked = 0;
        for s in 0..SPONSORS {
            let pending = pool.pending_of(chain, worker, self.sponsor(s).address()).await.unwrap();
            prop_assert_eq!(
                pending.locked.0,
                self.books.locked(w, s, now),
                "{} locked from {}",
                w,
                s
            );
            mature += pending.mature.0;
            locked += pending.locked.0;
        }
        prop_assert_eq!(mature, self.books.mature(w, now), "mature pay of {}", w);
        if locked > 0 && !self.books.is_slashed(w) {
            prop_assert!(stake >= MIN_STAKE.0, "worker {} has challengeable pay and no stake", w);
        }
        Ok(stake + mature + locked)
    }

    /// No statement and no job was ever paid twice, by the chain's own record; and every wallet has what it should.
    pub(crate) async fn close(&self) -> Result<(), TestCaseError> {
        let mut paid = HashSet::new();
        for located in self.events().await {
            if let Event::StatementSettled(settled) = located.event {
                let key = (settled.sponsor, settled.operator, settled.worker, settled.seq);
                prop_assert!(paid.insert(key), "{:?} was paid twice", key);
            }
        }
        for (n, account) in self.net.accounts.iter().enumerate() {
            let fees = self.fees.get(&account.address()).copied().unwrap_or(0);
            self.check_wallet(account.address(), name_of(n), fees).await?;
        }
        self.check_wallet(TREASURY, Some("treasury".to_owned()), 0).await
    }

    async fn check_wallet(
        &self,
        address: Address,
        name: Option<String>,
        fees: u128,
    ) -> Result<(), TestCaseError> {
        let change =
            name.as_ref().and_then(|name| self.books.wallets.get(name)).copied().unwrap_or(0);
        let before = self.wallets[&address].0;
        let expected = before.checked_add_signed(change).unwrap() - fees;
        prop_assert_eq!(self.balance(address).await.0, expected, "wallet of {:?}", name);
        Ok(())
    }
}
