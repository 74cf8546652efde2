//! What the Forwarder's calls cost. Each operation is a transfer of STRK by an account of its own to another one, with a
//! nonce that is new; a paid one sends a fee beside it and gets half of it back.

use std::collections::BTreeMap;

use ciro_api::Fri;
use ciro_contracts::{KeyedAccount, Operation};
use starknet_rust::core::types::Call;

use crate::outside::{NOTICE_S, Outside, TOKEN};

/// As many as the largest batch that is not of the same accounts again.
const USERS: usize = 100;
const FEE: u128 = 2_000;

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

    async fn measure(&mut self, name: &'static str, account: &KeyedAccount, calls: Vec<Call>) {
        let used = self.net.net.gas_of(account, calls).await;
        assert!(self.gas.insert(name, used).is_none(), "{name} is measured twice");
    }

    fn operation(&mut self, number: usize, fee: Option<(u128, u128)>) -> Operation {
        self.nonce += 1;
        let (user, next) = (1 + number % USERS, 1 + (number + 1) % USERS);
        let calls = vec![TOKEN.transfer(self.net.address(next), Fri(1))];
        match fee {
            None => self.net.operation(user, self.nonce, calls),
            Some(fee) => self.net.paying(user, self.nonce, calls, fee),
        }
    }

    async fn batch(&mut self, name: &'static str, count: usize, fee: Option<(u128, u128)>) {
        let operations: Vec<_> = (0..count).map(|number| self.operation(number, fee)).collect();
        let relayer = self.net.relayer().clone();
        let before = self.net.balance(self.net.forwarder.address).await;
        let call = self.net.forwarder.execute_batch(&operations);
        self.measure(name, &relayer, vec![call]).await;
        let kept = self.net.balance(self.net.forwarder.address).await - before;
        let charge = fee.map_or(0, |(_, charge)| charge);
        assert_eq!(kept, charge * u128::try_from(count).unwrap(), "{name}: a charge is missing");
    }

    async fn batches(&mut self) {
        let (whole, half) = (Some((FEE, FEE)), Some((FEE, FEE / 2)));
        // The first payment ever pays for the Forwarder's place in the token's books.
        let first = [self.operation(0, whole)];
        self.net.send(&first).await.unwrap();
        self.batch("forward_1", 1, None).await;
        self.batch("forward_10", 10, None).await;
        self.batch("forward_50", 50, None).await;
        self.batch("forward_100", 100, None).await;
        self.batch("forward_1_paid", 1, half).await;
        self.batch("forward_10_paid", 10, half).await;
        self.batch("forward_50_paid", 50, half).await;
        self.batch("forward_50_paid_exactly", 50, whole).await;
        self.batch("forward_100_paid", 100, half).await;
        self.batch("forward_200", 200, None).await;
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
