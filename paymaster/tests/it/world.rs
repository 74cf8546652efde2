//! A network with one sponsor and one staked worker, on a real chain and a real database.

use std::time::Duration;

use ciro_api::{Address, ChainId, Felt, Fri, JobId, SponsorId, StatementId, hash::sign};
use ciro_contracts::{
    Chain, Deployment, JobManager, KeyedAccount, Parameters, Pool, PrivateKey, Token, deploy,
    deploy::STARKGATE_ERC20_CLASS, token::STRK,
};
use ciro_paymaster::{
    ledger::{self, Earned},
    settle::Settler,
    sponsors::{self, NewSponsor},
    statements::{self, Signer},
    watch::Watcher,
};
use deadpool_postgres::Client;
use tokio_postgres::Config;
use uuid::Uuid;

use crate::{
    harness::{Devnet, connect, fresh_database},
    ledger::{hold_one, job},
    statements::signed,
};

pub(crate) const DEPOSIT: Fri = Fri(1_000_000);
pub(crate) const STAKE: Fri = Fri(5_000);
pub(crate) const PRICE: Fri = Fri(1_000);
pub(crate) const WINDOW_S: u64 = 60;
pub(crate) const NOTICE_S: u64 = 2 * WINDOW_S;
/// So long that no test meets the turn of an epoch by chance.
pub(crate) const EPOCH_S: u64 = 300 * 24 * 3_600;
pub(crate) const TREASURY: Address = Address(Felt::from_hex_unchecked("0x7ea5"));
/// The key that signs for the worker; not its account's.
pub(crate) const WORKER_KEY: Felt = Felt::from_hex_unchecked("0x77");

pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) database: Config,
    pub(crate) client: Client,
    pub(crate) chain: Chain,
    pub(crate) deployment: Deployment,
    pub(crate) operator: KeyedAccount,
    pub(crate) operator_key: PrivateKey,
    pub(crate) sponsor: KeyedAccount,
    pub(crate) sponsor_id: SponsorId,
    pub(crate) worker: KeyedAccount,
    pub(crate) settler: Settler,
    pub(crate) watcher: Watcher,
}

impl World {
    pub(crate) async fn start(allowance: Fri) -> Self {
        Self::start_on(Devnet::start(), allowance).await
    }

    pub(crate) async fn start_on(devnet: Devnet, allowance: Fri) -> Self {
        let database = fresh_database().await;
        let client = connect(&database).await;
        let chain = Chain::connect(devnet.url.clone(), Duration::from_secs(10)).await.unwrap();
        let keys = devnet.accounts().await;
        let key = |n: usize| PrivateKey::new(keys[n].1);
        let account = |n: usize| KeyedAccount::new(chain.clone(), keys[n].0, &key(n));
        let (operator, sponsor, worker) = (account(0), account(1), account(2));
        let deployment = deploy(&operator, &parameters(&operator)).await.unwrap();
        let sponsor_id = SponsorId(Uuid::now_v7());
        let new = NewSponsor {
            id: sponsor_id,
            name: "a fleet".to_owned(),
            address: sponsor.address(),
            price_ceiling: PRICE,
            spend_limit: DEPOSIT,
        };
        sponsors::create(&**client, &new).await.unwrap();
        let watcher = Watcher::new(chain.clone(), deployment, operator.address());
        watcher.begin(&client).await.unwrap();
        let settler = Settler::new(operator.clone(), deployment.job_manager);
        let mut world = Self {
            devnet,
            database,
            client,
            chain,
            deployment,
            operator_key: key(0),
            operator,
            sponsor,
            sponsor_id,
            worker,
            settler,
            watcher,
        };
        world.fund(allowance).await;
        world.watch().await;
        world
    }

    async fn fund(&self, allowance: Fri) {
        let (pool, token) = (self.pool(), self.token());
        let deposit = vec![
            token.approve(pool.address, DEPOSIT),
            pool.deposit(self.operator.address(), DEPOSIT),
            pool.set_allowance(self.operator.address(), allowance),
        ];
        self.sponsor.execute(deposit).await.unwrap();
        let register = self.job_manager().register_worker(sign::public_key(&WORKER_KEY));
        let stake = vec![token.approve(pool.address, STAKE), pool.stake(STAKE), register];
        self.worker.execute(stake).await.unwrap();
        let register = self.job_manager().register_operator(Some(self.operator_key.public_key()));
        self.operator.execute(vec![register]).await.unwrap();
    }

    pub(crate) fn pool(&self) -> Pool {
        Pool { address: self.deployment.pool }
    }

    pub(crate) fn token(&self) -> Token {
        Token { address: self.deployment.token }
    }

    pub(crate) fn job_manager(&self) -> JobManager {
        JobManager { address: self.deployment.job_manager }
    }

    pub(crate) fn chain_id(&self) -> ChainId {
        self.chain.chain_id()
    }

    /// Mirrors all there is.
    pub(crate) async fn watch(&mut self) {
        while self.watcher.step(&mut self.client).await.unwrap().lag_blocks() > 0 {}
    }

    /// What this worker earns with `job`.
    pub(crate) fn earned(&self, job: JobId) -> Earned {
        Earned {
            job,
            sponsor: self.sponsor_id,
            worker: self.worker.address(),
            attestation: ciro_api::felt::Digest(job.to_felt()),
            amount: PRICE,
        }
    }

    pub(crate) async fn earn(&mut self, count: usize) -> Vec<JobId> {
        let mut jobs: Vec<JobId> = Vec::new();
        let earned: Vec<Earned> = (0..count).map(|_| self.earned(job())).collect();
        let tx = self.client.transaction().await.unwrap();
        for earned in earned {
            let job = earned.job;
            hold_one(&tx, job, earned.sponsor, PRICE).await.unwrap();
            ledger::earn(&tx, &[earned]).await.unwrap();
            jobs.push(job);
        }
        tx.commit().await.unwrap();
        jobs
    }

    /// Who signs statements as the operator.
    pub(crate) fn signer(&self) -> Signer {
        Signer::new(self.operator.address(), self.operator_key.clone(), self.chain_id())
    }

    /// Signs everything that is closed.
    pub(crate) async fn sign(&self) -> Vec<StatementId> {
        statements::sign(&self.client, &self.signer()).await.unwrap()
    }

    /// Countersigns everything that waits.
    pub(crate) async fn countersign(&self) {
        let worker = self.worker.address();
        for document in statements::pending(&**self.client, worker, 50).await.unwrap() {
            let signature = signed(&document, self.chain_id(), &WORKER_KEY);
            statements::countersign(
                &**self.client,
                document.id,
                worker,
                signature,
                self.chain_id(),
            )
            .await
            .unwrap();
        }
    }

    /// Jobs that have come as far as a countersigned statement.
    pub(crate) async fn state(&mut self, count: usize) -> Vec<StatementId> {
        self.earn(count).await;
        let closed = statements::close(&mut self.client, Duration::ZERO).await.unwrap();
        self.sign().await;
        self.countersign().await;
        closed
    }

    /// What the worker has been paid on chain, locked or not.
    pub(crate) async fn paid(&self) -> Fri {
        let (pool, worker) = (self.pool(), self.worker.address());
        let pending = pool.pending_of(&self.chain, worker, self.sponsor.address()).await.unwrap();
        let claimable = pool.claimable_of(&self.chain, worker).await.unwrap();
        [pending.mature, claimable]
            .into_iter()
            .try_fold(pending.locked, ciro_api::Fri::checked_add)
            .unwrap()
    }

    /// What the sponsor has for our operator on chain.
    pub(crate) async fn deposit(&self) -> Fri {
        let (sponsor, operator) = (self.sponsor.address(), self.operator.address());
        self.pool().deposit_of(&self.chain, sponsor, operator).await.unwrap()
    }

    pub(crate) async fn statuses(&self) -> Vec<String> {
        let sql = "select status from statement order by created_at, seq";
        let rows = self.client.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The ledger, the mirror and the chain agree on what was paid and on what is left.
    pub(crate) async fn check_books(&self, paid: Fri) {
        let sponsor = sponsors::get(&**self.client, self.sponsor_id).await.unwrap().unwrap();
        let chain_deposit = self.deposit().await;
        assert_eq!(self.paid().await, paid, "paid on chain");
        assert_eq!(sponsor.spent, paid, "spent in the ledger");
        assert_eq!(sponsor.deposit, chain_deposit, "mirrored deposit");
        assert_eq!(chain_deposit, DEPOSIT.checked_sub(paid).unwrap(), "deposit on chain");
        let address = self.sponsor.address();
        let operator = self.operator.address();
        let allowance = self.pool().allowance_of(&self.chain, address, operator).await.unwrap();
        assert_eq!(sponsor.allowance, allowance, "mirrored allowance");
    }
}

pub(crate) fn parameters(registrar: &KeyedAccount) -> Parameters {
    Parameters {
        token: STRK,
        treasury: TREASURY,
        challenge_window_s: WINDOW_S,
        withdrawal_notice_s: NOTICE_S,
        unbonding_s: 2 * WINDOW_S,
        allowance_epoch_s: EPOCH_S,
        registrar: registrar.address(),
        guardian: registrar.address(),
        min_worker_stake: STAKE,
        credits_class: STARKGATE_ERC20_CLASS,
        credits_cap: 1_000_000 * Fri::ONE_STRK.0,
    }
}

pub(crate) fn fri(count: u64) -> Fri {
    PRICE.checked_mul(count).unwrap()
}
