//! What the Forwarder's calls cost. Each operation is a transfer of STRK by an account of its own to another one, with a
//! nonce that is new; a paid one sends a fee beside it and gets half of it back.

use std::collections::BTreeMap;

use ciro_api::{Fri, hash::outside_execution::OutsideExecution, limits::OPERATIONS_MAX};
use ciro_contracts::{KeyedAccount, Operation, Outcome};
use starknet_rust::core::{types::Call, utils::get_selector_from_name};

use crate::outside::{NOTICE_S, Outside, TOKEN, User};

/// As many as the operations of all batches but the largest, in which each account is named twice.
const USERS: usize = 100;
const FEE: u128 = 2_000;

fn succeeded(outcome: &Outcome) -> bool {
    *outcome == Outcome::Succeeded
}

pub(super) struct Forwarding {
    net: Outside,
    nonce: u64,
    gas: BTreeMap<&'static str, u64>,
}

impl Forwarding {
    /// Measures everything.
    pub(super) async fn bill() -> BTreeMap<&'static str, u64> {
        let net = Outside::start(u8::try_from(1 + USERS).unwrap()).await;
        let mut this = Self { net, nonce: 0, gas: BTreeMap::new() };
        this.batches().await;
        this.administration().await;
        this.gas
    }

    fn note(&mut self, name: &'static str, used: u64) {
        assert!(self.gas.insert(name, used).is_none(), "{name} is measured twice");
    }

    async fn measure(&mut self, name: &'static str, account: &KeyedAccount, calls: Vec<Call>) {
        let used = self.net.net.gas_of(account, calls).await;
        self.note(name, used);
    }

    fn user(number: usize) -> User {
        1 + number % USERS
    }

    fn transfer(&self, number: usize) -> Call {
        TOKEN.transfer(self.net.address(Self::user(number + 1)), Fri(1))
    }

    fn next_nonce(&mut self) -> u64 {
        self.nonce += 1;
        self.nonce
    }

    fn sponsored(&mut self, number: usize) -> Operation {
        let (nonce, calls) = (self.next_nonce(), vec![self.transfer(number)]);
        self.net.operation(Self::user(number), nonce, calls)
    }

    fn paid(&mut self, number: usize, charge: u128) -> Operation {
        let (nonce, calls) = (self.next_nonce(), vec![self.transfer(number)]);
        self.net.paying(Self::user(number), nonce, calls, (FEE, charge))
    }

    /// All of them end as they should.
    async fn batch(
        &mut self,
        name: &'static str,
        operations: &[Operation],
        is_well: fn(&Outcome) -> bool,
    ) {
        let (hash, outcomes) = self.net.send_as(operations).await.unwrap();
        assert_eq!(outcomes.len(), operations.len(), "{name}");
        assert!(outcomes.iter().all(|o| is_well(&o.outcome)), "{name}: {outcomes:?}");
        let used = self.net.net.gas_used(hash).await;
        self.note(name, used);
    }

    async fn sponsored_batch(&mut self, name: &'static str, count: usize) {
        let operations: Vec<_> = (0..count).map(|number| self.sponsored(number)).collect();
        self.batch(name, &operations, succeeded).await;
    }

    async fn paid_batch(&mut self, name: &'static str, count: usize, charge: u128) {
        let operations: Vec<_> = (0..count).map(|number| self.paid(number, charge)).collect();
        self.batch(name, &operations, succeeded).await;
    }

    async fn batches(&mut self) {
        // The first payment ever pays for the Forwarder's place in the token's books.
        let first = [self.paid(0, FEE)];
        self.net.send(&first).await.unwrap();
        self.sponsored_batch("forward_1", 1).await;
        self.sponsored_batch("forward_10", 10).await;
        self.sponsored_batch("forward_50", 50).await;
        self.sponsored_batch("forward_100", 100).await;
        self.sponsored_batch("forward_200", OPERATIONS_MAX).await;
        self.paid_batch("forward_paid_1", 1, FEE / 2).await;
        self.paid_batch("forward_paid_10", 10, FEE / 2).await;
        self.paid_batch("forward_paid_50", 50, FEE / 2).await;
        self.paid_batch("forward_paid_50_without_refund", 50, FEE).await;
        self.paid_batch("forward_paid_100", 100, FEE / 2).await;
        self.parts().await;
    }

    /// Where the gas of an operation goes.
    async fn parts(&mut self) {
        let mut idle = Vec::new();
        for number in 0..50 {
            let nonce = self.next_nonce();
            idle.push(self.net.operation(Self::user(number), nonce, Vec::new()));
        }
        self.batch("forward_50_without_calls", &idle, succeeded).await;
        let no_account = |operation| Operation { account: TOKEN.address, ..operation };
        let refused: Vec<_> = (0..50).map(|number| no_account(self.sponsored(number))).collect();
        self.batch("forward_50_that_are_no_accounts", &refused, |o| !succeeded(o)).await;
        let calls = (0..10).map(|number| self.direct(number)).collect();
        let relayer = self.net.relayer().clone();
        self.measure("outside_execution_10_without_the_forwarder", &relayer, calls).await;
    }

    /// What the relayer could send to the account itself.
    fn direct(&mut self, number: usize) -> Call {
        let (nonce, calls) = (self.next_nonce(), vec![self.transfer(number)]);
        let caller = self.net.relayer().address();
        let execution = OutsideExecution { caller, ..self.net.execution(nonce, calls) };
        let operation = self.net.signed(Self::user(number), nonce, &execution);
        Call {
            to: operation.account.0,
            selector: get_selector_from_name("execute_from_outside_v2").unwrap(),
            calldata: operation.calldata,
        }
    }

    async fn administration(&mut self) {
        let (forwarder, owner) = (self.net.forwarder, self.net.relayer().clone());
        let other = self.net.net.accounts[1].clone();
        self.measure("collect", &other, vec![forwarder.collect(TOKEN.address)]).await;
        self.measure("add_relayer", &owner, vec![forwarder.add_relayer(other.address())]).await;
        self.measure("remove_relayer", &owner, vec![forwarder.remove_relayer(other.address())])
            .await;
        self.measure("propose_owner", &owner, vec![forwarder.propose_owner(other.address())]).await;
        self.net.net.devnet.pass_time(NOTICE_S).await;
        self.measure("accept_ownership", &other, vec![forwarder.accept_ownership()]).await;
    }
}
