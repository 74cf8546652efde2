//! The contracts on a devnet of their own, and accounts that act on them.

use std::time::Duration;

use ciro_api::{
    Address, AttestedJob, Felt, Fri, Level, ModelId, Scheme, Signature, TxHash,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        commitment::commit,
        sign,
        snip12::TypedStruct,
        statement::Statement,
    },
    limits::ATTESTATIONS_MAX,
};
use ciro_contracts::{
    AccountError, Chain, Deployment, Evidence, JobManager, KeyedAccount, ModelTerms, Parameters,
    Pool, PrivateKey, SignedStatement, Token, deploy, deploy::STARKGATE_ERC20_CLASS, token::STRK,
};
use ciro_testbed::Devnet;
use serde_json::{Value, json};
use starknet_rust::core::types::Call;

pub(crate) const WINDOW_S: u64 = 1_000;
pub(crate) const NOTICE_S: u64 = 2_000;
pub(crate) const UNBONDING_S: u64 = 5_000;
pub(crate) const EPOCH_S: u64 = 10_000;
pub(crate) const MIN_STAKE: Fri = Fri(500);
pub(crate) const MIN_PRICE: Fri = Fri(10);
pub(crate) const TREASURY: Address = Address(Felt::from_hex_unchecked("0x7ea5"));
/// Re-executable: the sha256 adjudicator recomputes it.
pub(crate) const MODEL: ModelId = ModelId(Felt::from_hex_unchecked("0x5a256"));

/// What no transaction of mainnet may exceed; devnet does not mind.
const CALLDATA_FELTS_MAX: usize = 5_000;
const L2_GAS_MAX: u64 = 1_100_000_000;

pub(crate) struct Net {
    pub(crate) devnet: Devnet,
    pub(crate) chain: Chain,
    pub(crate) accounts: Vec<KeyedAccount>,
}

/// One deployment on that chain. The first account is registrar, guardian and operator.
#[derive(Clone, Copy)]
pub(crate) struct Contracts {
    pub(crate) pool: Pool,
    pub(crate) manager: JobManager,
    pub(crate) token: Token,
    pub(crate) deployment: Deployment,
}

impl Net {
    pub(crate) async fn start(accounts: u8) -> Self {
        let devnet = Devnet::start_with(accounts);
        let chain = Chain::connect(devnet.url.clone(), Duration::from_mins(1)).await.unwrap();
        let keyed =
            |(address, key)| KeyedAccount::new(chain.clone(), address, &PrivateKey::new(key));
        let accounts = devnet.accounts().await.into_iter().map(keyed).collect();
        Self { devnet, chain, accounts }
    }

    /// A deployment with [`MODEL`] in it. `credits_cap` makes it another one than those before.
    pub(crate) async fn deploy(&self, credits_cap: u128) -> Contracts {
        let operator = self.operator();
        let parameters = Parameters {
            token: STRK,
            treasury: TREASURY,
            challenge_window_s: WINDOW_S,
            withdrawal_notice_s: NOTICE_S,
            unbonding_s: UNBONDING_S,
            allowance_epoch_s: EPOCH_S,
            registrar: operator.address(),
            guardian: operator.address(),
            min_worker_stake: MIN_STAKE,
            credits_class: STARKGATE_ERC20_CLASS,
            credits_cap,
        };
        let deployment = deploy(operator, &parameters).await.unwrap();
        Contracts {
            pool: Pool { address: deployment.pool },
            manager: JobManager { address: deployment.job_manager },
            token: Token { address: deployment.token },
            deployment,
        }
    }

    pub(crate) fn operator(&self) -> &KeyedAccount {
        &self.accounts[0]
    }

    /// Sends `calls` as one transaction and returns the L2 gas it used up. Fails above what mainnet allows.
    pub(crate) async fn gas_of(&self, account: &KeyedAccount, calls: Vec<Call>) -> u64 {
        let hash = self.execute(account, calls).await.unwrap();
        self.gas_used(hash).await
    }

    /// The L2 gas that a transaction has used up. Fails above what mainnet allows.
    pub(crate) async fn gas_used(&self, hash: TxHash) -> u64 {
        let receipt = self.receipt(hash).await;
        let used = receipt["execution_resources"]["l2_gas"].as_u64().unwrap();
        assert!(used <= L2_GAS_MAX, "{used} L2 gas in one transaction; {L2_GAS_MAX} are allowed");
        used
    }

    /// Sends `calls` as one transaction. Fails where it has more calldata than mainnet allows.
    pub(crate) async fn execute(
        &self,
        account: &KeyedAccount,
        calls: Vec<Call>,
    ) -> Result<TxHash, AccountError> {
        let transaction = account.prepare(calls, account.nonce().await?).await?;
        let felts = transaction.body.broadcasted_invoke_txn_v3.calldata.len();
        assert!(
            felts <= CALLDATA_FELTS_MAX,
            "{felts} felts of calldata; {CALLDATA_FELTS_MAX} are allowed"
        );
        account.broadcast(&transaction).await?;
        self.chain.wait_for(transaction.hash, Duration::from_mins(1)).await?;
        Ok(transaction.hash)
    }

    /// When the newest block was made, in seconds since 1970.
    pub(crate) async fn now(&self) -> u64 {
        let head = self.chain.head().await.unwrap();
        self.chain.block_timestamp(head.number).await.unwrap()
    }

    /// Moves on to where pay falls into a new bucket; it will not turn for [`WINDOW_S`].
    pub(crate) async fn begin_window(&self) {
        self.devnet.pass_time(WINDOW_S - self.now().await % WINDOW_S).await;
    }

    pub(crate) async fn receipt(&self, hash: TxHash) -> Value {
        let params = json!({ "transaction_hash": hash.to_string() });
        self.devnet.ask("starknet_getTransactionReceipt", params).await
    }
}

pub(crate) fn model(deployment: &Deployment) -> ModelTerms {
    ModelTerms {
        id: MODEL,
        level: Level::ReExecutable,
        adjudicator: Some(deployment.sha256_adjudicator),
        scheme: Scheme::Poseidon,
        input_bytes_max: 8_192,
        min_price: MIN_PRICE,
        min_stake: MIN_STAKE,
        manifest_uri: format!("ipfs://{}", "b".repeat(59)),
    }
}

/// The key that signs for the worker with this number; not its account's.
pub(crate) fn worker_key(number: usize) -> Felt {
    Felt::from(0x5ec_0000 + number)
}

impl Contracts {
    /// Signed by the worker with this number.
    pub(crate) fn sign(&self, statement: Statement, worker: usize) -> SignedStatement {
        let signature = self.signature(&statement, statement.worker, &worker_key(worker));
        SignedStatement { statement, signature }
    }

    pub(crate) fn signature(
        &self,
        what: &impl TypedStruct,
        signer: Address,
        key: &Felt,
    ) -> Signature {
        sign::sign(key, &what.message_hash(self.deployment.chain_id, signer)).unwrap()
    }

    /// What a requester holds when the worker with this number claims `output` for `input`, as the last result of a
    /// batch as large as they come: the longest path there is.
    pub(crate) fn evidence(
        &self,
        (worker, number): (Address, usize),
        (job, epoch): (AttestedJob, u64),
        input: &[u8],
        output: &[u8],
    ) -> Evidence {
        let contract = self.manager.address;
        let attestation = Attestation {
            job,
            epoch,
            model: MODEL,
            input: commit(Scheme::Poseidon, input),
            output: commit(Scheme::Poseidon, output),
            contract,
            worker,
        };
        let index = ATTESTATIONS_MAX - 1;
        let mut leaves: Vec<Felt> = (1..=index).map(Felt::from).collect();
        leaves.push(attestation.struct_hash());
        let tree = BatchTree::build(&leaves).unwrap();
        let count = u64::try_from(leaves.len()).unwrap();
        let batch = AttestationBatch { root: tree.root(), count, contract, worker };
        let key = worker_key(number);
        Evidence {
            attestation,
            index: count - 1,
            count,
            path: tree.path(index).unwrap(),
            public_key: sign::public_key(&key),
            signature: self.signature(&batch, worker, &key),
        }
    }
}
