//! A fleet's account on a devnet: an owner with STRK, devices with keys and nothing else, and a network that they ask.

use ciro_api::{
    Address, AttestedJob, Felt, Fri, OnchainJobId, TrackingId,
    felt::Digest,
    hash::{
        fleet::{DeviceKey, DeviceNonce, FleetTree, Place},
        outside_execution::OutsideExecution,
        sign,
    },
};
use ciro_contracts::{
    Device, DeviceSecret, FleetAccount, FleetAccountParameters, KeyedAccount, ModelsAllowed,
    Operation, OutsideVersion, PrivateKey, SessionPolicy, deploy_fleet_account,
};
use p256::ecdsa::SigningKey;
use starknet_rust::core::types::Call;

use crate::{
    net::{Contracts, MIN_PRICE, MIN_STAKE, MODEL, NOTICE_S, model, worker_key},
    outside::{Outside, TOKEN, outside},
};

pub(crate) const WORKER: usize = 1;
pub(crate) const INPUT: &[u8] = b"thirty-two bytes of a reading...";

/// A network with a model and a worker, and a Forwarder beside it.
pub(crate) struct Grounds {
    pub(crate) outside: Outside,
    pub(crate) contracts: Contracts,
}

pub(crate) struct Fleet {
    pub(crate) account: FleetAccount,
    pub(crate) owner: KeyedAccount,
    pub(crate) owner_key: PrivateKey,
    pub(crate) devices: Vec<Device>,
    pub(crate) forwarder: Address,
}

/// The secret of the Stark device at this place.
pub(crate) fn stark(place: u32) -> DeviceSecret {
    DeviceSecret::Stark(PrivateKey::new(Felt::from(0xde_71ce_0000_u64 + u64::from(place))))
}

pub(crate) fn p256() -> DeviceSecret {
    DeviceSecret::P256(SigningKey::from_slice(&[0x5e; 32]).unwrap())
}

/// The devices with these secrets, at the places from 0 on in a tree of `depth`, and its root.
pub(crate) fn devices(
    (account, grounds): (Address, &Grounds),
    secrets: &[DeviceSecret],
    depth: u32,
) -> Vec<Device> {
    let tree = tree(secrets, depth);
    let chain = grounds.contracts.deployment.chain_id;
    let device = |(place, secret): (u32, &DeviceSecret)| {
        let path = tree.path(Place(place)).unwrap();
        Device { account, chain, secret: secret.clone(), path }
    };
    (0..).zip(secrets).map(device).collect()
}

pub(crate) fn tree(secrets: &[DeviceSecret], depth: u32) -> FleetTree {
    let keys: Vec<DeviceKey> = secrets.iter().map(DeviceSecret::key).collect();
    FleetTree::build(&keys, depth).unwrap()
}

impl Grounds {
    /// The first account relays and operates, the second is the worker.
    pub(crate) async fn start(accounts: u8) -> Self {
        let outside = Outside::start(accounts).await;
        let contracts = outside.net.deploy(Fri::ONE_STRK.0).await;
        let this = Self { outside, contracts };
        this.set_up().await;
        this
    }

    async fn set_up(&self) {
        let Contracts { pool, manager, token, deployment } = self.contracts;
        let net = &self.outside.net;
        let register = manager.register_model(&model(&deployment));
        net.execute(net.operator(), vec![register]).await.unwrap();
        let stake = vec![
            token.approve(pool.address, MIN_STAKE),
            pool.stake(MIN_STAKE),
            manager.register_worker(sign::public_key(&worker_key(WORKER))),
        ];
        net.execute(&net.accounts[WORKER], stake).await.unwrap();
    }

    pub(crate) fn policy(&self) -> SessionPolicy {
        SessionPolicy {
            job_manager: Some(self.contracts.manager.address),
            price_max: Fri(2 * MIN_PRICE.0),
            per_day_max: Fri(10_000),
            models: ModelsAllowed::Named,
        }
    }

    /// A fleet with 1 STRK, all of which the pool may take.
    pub(crate) async fn fleet(&self, secrets: &[DeviceSecret], depth: u32) -> Fleet {
        let net = &self.outside.net;
        let owner_key = PrivateKey::new(Felt::from(0x0f1e_e700 + u64::from(depth)));
        let parameters = FleetAccountParameters {
            owner_key: owner_key.public_key(),
            root: tree(secrets, depth).root(),
            policy: self.policy(),
            models: vec![MODEL],
        };
        let account = deploy_fleet_account(net.operator(), &parameters).await.unwrap();
        assert_eq!(account.address, parameters.address());
        let gift = TOKEN.transfer(account.address, Fri::ONE_STRK);
        net.execute(net.operator(), vec![gift]).await.unwrap();
        let owner = KeyedAccount::new(net.chain.clone(), account.address, &owner_key);
        let pool = self.contracts.pool.address;
        net.execute(&owner, vec![TOKEN.approve(pool, Fri::ONE_STRK)]).await.unwrap();
        let devices = devices((account.address, self), secrets, depth);
        let forwarder = self.outside.forwarder.address;
        Fleet { account, owner, owner_key, devices, forwarder }
    }

    /// A job at this price, open for a while.
    pub(crate) async fn job(&self, price: u128) -> Call {
        let deadline = self.outside.net.now().await + 100 * NOTICE_S;
        self.contracts.manager.post_job(MODEL, Fri(price), deadline, INPUT)
    }

    /// The worker fulfils the job with this number.
    pub(crate) async fn fulfil(&self, job: u64, output: &[u8]) {
        let net = &self.outside.net;
        let worker = &net.accounts[WORKER];
        let job = (AttestedJob::from(OnchainJobId(job)), 0);
        let by = (worker.address(), WORKER);
        let evidence = self.contracts.evidence(by, job, INPUT, output);
        let fulfil = self.contracts.manager.fulfil(&evidence, output);
        net.execute(worker, vec![fulfil]).await.unwrap();
    }
}

impl Fleet {
    /// Valid at any time of a test, for the Forwarder alone.
    pub(crate) fn execution(&self, nonce: Felt, calls: Vec<Call>) -> OutsideExecution {
        OutsideExecution {
            caller: self.forwarder,
            nonce,
            execute_after: 1,
            execute_before: u64::from(u32::MAX),
            calls: calls.into_iter().map(outside).collect(),
        }
    }

    /// Signed by the device at this place, with its nonce of this number.
    pub(crate) fn operation(&self, place: u32, counter: u64, calls: Vec<Call>) -> Operation {
        let nonce = DeviceNonce { place: Place(place), counter };
        self.operation_with(nonce, place, calls)
    }

    /// Signed by the device at `place` with whatever nonce.
    pub(crate) fn operation_with(
        &self,
        nonce: DeviceNonce,
        place: u32,
        calls: Vec<Call>,
    ) -> Operation {
        let execution = self.execution(nonce.to_felt(), calls);
        let device = &self.devices[usize::try_from(place).unwrap()];
        self.signed(nonce.to_felt(), device.operation_calldata(&execution).unwrap())
    }

    /// Signed by the owner.
    pub(crate) fn of_owner(&self, nonce: Felt, calls: Vec<Call>) -> Operation {
        let execution = self.execution(nonce, calls);
        let message = execution.message_hash_v2(self.devices[0].chain, self.account.address);
        let signature = sign::sign(self.owner_key.reveal(), &message).unwrap();
        self.signed(nonce, execution.calldata(&[signature.r.0, signature.s.0]))
    }

    fn signed(&self, nonce: Felt, calldata: Vec<Felt>) -> Operation {
        Operation {
            id: TrackingId(nonce),
            account: self.account.address,
            version: OutsideVersion::V2,
            charge: None,
            calldata,
        }
    }

    pub(crate) fn leaf(&self, place: usize) -> Digest {
        self.devices[place].leaf()
    }
}
