//! What the devices of a fleet cost, beside `OpenZeppelin` accounts that do the same through the same Forwarder.

use std::collections::BTreeMap;

use ciro_api::{Felt, Fri, hash::fleet::OWNER_NONCE_MIN};
use ciro_contracts::{DeviceSecret, Operation, Outcome};

use crate::{
    fleet::{Fleet, Grounds, p256, stark},
    net::MIN_PRICE,
    outside::{TOKEN, User},
};

/// As many as the operations of the largest batch.
const DEVICES: u32 = 50;
/// The place of the P-256 device, after all others.
const PHONE: u32 = DEVICES;
/// The first account that neither relays nor works.
const FIRST_USER: User = 2;

pub(super) struct Fleets {
    grounds: Grounds,
    counter: u64,
    gas: BTreeMap<&'static str, u64>,
}

/// What is measured in a tree of one depth.
struct Names {
    first_idle_50: &'static str,
    idle: [(&'static str, u32); 3],
    post_job: [(&'static str, u32); 3],
    p256_idle_1: &'static str,
    p256_post_job_1: &'static str,
}

const DEPTH_10: Names = Names {
    first_idle_50: "fleet_depth_10_forward_50_first_nonces_without_calls",
    idle: [
        ("fleet_depth_10_forward_1_without_calls", 1),
        ("fleet_depth_10_forward_10_without_calls", 10),
        ("fleet_depth_10_forward_50_without_calls", 50),
    ],
    post_job: [
        ("fleet_depth_10_forward_post_job_1", 1),
        ("fleet_depth_10_forward_post_job_10", 10),
        ("fleet_depth_10_forward_post_job_50", 50),
    ],
    p256_idle_1: "fleet_depth_10_p256_forward_1_without_calls",
    p256_post_job_1: "fleet_depth_10_p256_forward_post_job_1",
};

const DEPTH_20: Names = Names {
    first_idle_50: "fleet_depth_20_forward_50_first_nonces_without_calls",
    idle: [
        ("fleet_depth_20_forward_1_without_calls", 1),
        ("fleet_depth_20_forward_10_without_calls", 10),
        ("fleet_depth_20_forward_50_without_calls", 50),
    ],
    post_job: [
        ("fleet_depth_20_forward_post_job_1", 1),
        ("fleet_depth_20_forward_post_job_10", 10),
        ("fleet_depth_20_forward_post_job_50", 50),
    ],
    p256_idle_1: "fleet_depth_20_p256_forward_1_without_calls",
    p256_post_job_1: "fleet_depth_20_p256_forward_post_job_1",
};

impl Fleets {
    /// Measures everything.
    pub(super) async fn bill() -> BTreeMap<&'static str, u64> {
        let accounts = FIRST_USER + usize::try_from(DEVICES).unwrap();
        let grounds = Grounds::start(u8::try_from(accounts).unwrap()).await;
        let mut this = Self { grounds, counter: 0, gas: BTreeMap::new() };
        let mut secrets: Vec<DeviceSecret> = (0..DEVICES).map(stark).collect();
        secrets.push(p256());
        for (depth, names) in [(10, DEPTH_10), (20, DEPTH_20)] {
            let fleet = this.grounds.fleet(&secrets, depth).await;
            this.devices(&fleet, &names).await;
            if depth == 10 {
                this.owner(&fleet).await;
            }
        }
        this.open_zeppelin().await;
        this.gas
    }

    /// All of them succeed.
    async fn batch(&mut self, name: &'static str, operations: &[Operation]) {
        let used = self.send(operations).await;
        assert!(self.gas.insert(name, used).is_none(), "{name} is measured twice");
    }

    async fn send(&self, operations: &[Operation]) -> u64 {
        let (hash, outcomes) = self.grounds.outside.send_as(operations).await.unwrap();
        assert!(outcomes.iter().all(|o| o.outcome == Outcome::Succeeded), "{outcomes:?}");
        self.grounds.outside.net.gas_used(hash).await
    }

    fn idle(&mut self, fleet: &Fleet, count: u32) -> Vec<Operation> {
        self.counter += 1;
        (0..count).map(|place| fleet.operation(place, self.counter, Vec::new())).collect()
    }

    async fn posts(&mut self, fleet: &Fleet, count: u32) -> Vec<Operation> {
        let job = self.grounds.job(MIN_PRICE.0).await;
        self.counter += 1;
        let post = |place| fleet.operation(place, self.counter, vec![job.clone()]);
        (0..count).map(post).collect()
    }

    async fn devices(&mut self, fleet: &Fleet, names: &Names) {
        // The first job of a poster opens its slots in the pool and the account.
        let first = self.posts(fleet, 1).await;
        self.send(&first).await;
        self.counter += 128;
        let idle = self.idle(fleet, DEVICES);
        self.batch(names.first_idle_50, &idle).await;
        for (name, count) in names.idle {
            let idle = self.idle(fleet, count);
            self.batch(name, &idle).await;
        }
        for (name, count) in names.post_job {
            let posts = self.posts(fleet, count).await;
            self.batch(name, &posts).await;
        }
        let job = self.grounds.job(MIN_PRICE.0).await;
        self.send(&[fleet.operation(PHONE, 0, Vec::new())]).await;
        self.batch(names.p256_idle_1, &[fleet.operation(PHONE, 1, Vec::new())]).await;
        self.batch(names.p256_post_job_1, &[fleet.operation(PHONE, 2, vec![job])]).await;
    }

    /// Transfers, as the `forward` rows have them of `OpenZeppelin` accounts; the nonces are of one word.
    async fn owner(&mut self, fleet: &Fleet) {
        let to = self.grounds.outside.address(FIRST_USER);
        let transfer = |number: u32| {
            let nonce = OWNER_NONCE_MIN + Felt::from(number);
            fleet.of_owner(nonce, vec![TOKEN.transfer(to, Fri(1))])
        };
        self.send(&[transfer(0)]).await;
        let rows = [
            ("fleet_owner_forward_1", 1..2),
            ("fleet_owner_forward_10", 2..12),
            ("fleet_owner_forward_50", 12..62),
        ];
        for (name, numbers) in rows {
            let operations: Vec<_> = numbers.map(transfer).collect();
            self.batch(name, &operations).await;
        }
    }

    /// Each account posts a job with its own STRK, which it has given the pool leave to take.
    async fn open_zeppelin(&mut self) {
        let pool = self.grounds.contracts.pool.address;
        let job = self.grounds.job(MIN_PRICE.0).await;
        let users = FIRST_USER..FIRST_USER + usize::try_from(DEVICES).unwrap();
        let net = &self.grounds.outside;
        let approve = TOKEN.approve(pool, Fri(100 * MIN_PRICE.0));
        let first: Vec<_> = users
            .clone()
            .map(|user| net.operation(user, 1, vec![approve.clone(), job.clone()]))
            .collect();
        self.send(&first).await;
        let rows =
            [("forward_post_job_1", 1), ("forward_post_job_10", 10), ("forward_post_job_50", 50)];
        for (nonce, (name, count)) in (2..).zip(rows) {
            let post = |user| self.grounds.outside.operation(user, nonce, vec![job.clone()]);
            let posts: Vec<_> = users.clone().take(count).map(post).collect();
            self.batch(name, &posts).await;
        }
    }
}
