//! Which failures of an operation the Forwarder catches, and which take its whole batch down: what a paymaster must keep
//! out of batches. As devnet has it; the record of the decision shows the table.

use ciro_api::{Address, Felt, Fri, TxHash};
use ciro_contracts::{Charge, FailureReason, KeyedAccount, Operation, Outcome, OutsideVersion};
use serde_json::Value;
use starknet_rust::{
    accounts::{Account, ExecutionEncoding, SingleOwnerAccount},
    core::{types::Call, utils::get_selector_from_name},
    providers::{JsonRpcClient, jsonrpc::HttpTransport},
    signers::{LocalWallet, SigningKey},
};

use super::TO;
use crate::outside::{Outside, RELAYER, TOKEN, pays};

const NOWHERE: Address = Address(Felt::from_hex_unchecked("0xdead"));
const UNDECLARED: Felt = Felt::from_hex_unchecked("0x123456");
/// Deploys for everyone; written in Cairo 1.
const DEPLOYER: Address = Address(Felt::from_hex_unchecked(
    "0x2ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125",
));
/// Its predecessor, written in Cairo 0.
const OLD_DEPLOYER: Address = Address(Felt::from_hex_unchecked(
    "0x41a78e741e5af2fec34b695679bc6891742439f7afb8484ecd7766661ad02bf",
));

/// What becomes of a batch whose middle operation fails in some way.
struct Bench {
    net: Outside,
    nonce: u64,
}

impl Bench {
    async fn start() -> Self {
        Self { net: Outside::start(4).await, nonce: 0 }
    }

    /// Of the user that fails.
    fn operation(&mut self, call: Call) -> Operation {
        self.nonce += 1;
        self.net.operation(1, self.nonce, vec![call])
    }

    fn transfer(&mut self) -> Operation {
        self.operation(TOKEN.transfer(TO, Fri(1)))
    }

    /// In the middle of a batch whose other operations are good.
    async fn send(&mut self, middle: Operation) -> Result<Outcome, String> {
        let mut good = |user| {
            self.nonce += 1;
            self.net.operation(user, self.nonce, vec![TOKEN.transfer(TO, Fri(1))])
        };
        let (first, last) = (good(2), good(3));
        let before = self.net.balance(TO).await;
        let sent = self.net.send(&[first, middle, last]).await;
        let happened = self.net.balance(TO).await - before;
        match sent {
            Ok(outcomes) => {
                assert_eq!(happened, 2, "both others happened");
                assert_eq!((&outcomes[0].outcome, &outcomes[2].outcome), {
                    (&Outcome::Succeeded, &Outcome::Succeeded)
                });
                Ok(outcomes[1].outcome.clone())
            }
            Err(why) => {
                assert_eq!(happened, 0, "nothing happened");
                Err(why)
            }
        }
    }

    async fn is_caught(&mut self, middle: Operation, reason: &str) {
        let outcome = self.send(middle).await.unwrap();
        assert_eq!(outcome, Outcome::Failed(FailureReason::Other(reason.to_owned())));
    }

    async fn ends_the_batch(&mut self, middle: Operation, why: &str) {
        let error = self.send(middle).await.unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

fn call(to: Address, function: &str, calldata: Vec<Felt>) -> Call {
    Call { to: to.0, selector: get_selector_from_name(function).unwrap(), calldata }
}

fn deploys(deployer: Address, class: Felt, constructor: &[Felt]) -> Call {
    let length = Felt::from(constructor.len());
    let calldata = [&[class, Felt::ONE, Felt::ZERO, length], constructor].concat();
    call(deployer, "deployContract", calldata)
}

async fn class_of(account: &KeyedAccount) -> Felt {
    account.chain().class_at(account.address()).await.unwrap().unwrap()
}

#[tokio::test]
async fn panics_wrong_signatures_and_missing_functions_are_caught() {
    let mut bench = Bench::start().await;
    let panics = bench.operation(TOKEN.transfer(TO, Fri(u128::MAX)));
    bench.is_caught(panics, "ERC20: insufficient balance").await;
    let mut unsigned = bench.transfer();
    *unsigned.calldata.last_mut().unwrap() = Felt::ONE;
    bench.is_caught(unsigned, "SRC9: invalid signature").await;
    let mut cut_short = bench.transfer();
    cut_short.calldata.pop();
    bench.is_caught(cut_short, "Index out of bounds").await;
    let of_another_version = Operation { version: OutsideVersion::V1, ..bench.transfer() };
    bench.is_caught(of_another_version, "ENTRYPOINT_NOT_FOUND").await;
    let no_account = Operation { account: TOKEN.address, ..bench.transfer() };
    bench.is_caught(no_account, "ENTRYPOINT_NOT_FOUND").await;
    let no_function = bench.operation(call(TOKEN.address, "nothing", Vec::new()));
    bench.is_caught(no_function, "ENTRYPOINT_NOT_FOUND").await;
    let no_function_in_cairo_0 = bench.operation(call(OLD_DEPLOYER, "nothing", Vec::new()));
    bench.is_caught(no_function_in_cairo_0, "ENTRYPOINT_NOT_FOUND").await;
    let executes = call(bench.net.address(2), "__execute__", vec![Felt::ZERO]);
    let executes = bench.operation(executes);
    bench.is_caught(executes, "Invalid argument").await;
}

#[tokio::test]
async fn the_forwarder_as_account_and_a_batch_in_a_batch_are_caught() {
    let mut bench = Bench::start().await;
    let own = Operation { account: bench.net.forwarder.address, ..bench.transfer() };
    let outcome = bench.send(own).await.unwrap();
    assert_eq!(outcome, Outcome::Failed(FailureReason::AccountIsForwarder));
    let inner = bench.transfer();
    let batch = bench.net.forwarder.execute_batch(&[inner]);
    let by_relayer = bench.net.operation(RELAYER, 1_000, vec![batch.clone()]);
    bench.is_caught(by_relayer, "reentrant call").await;
    let by_nobody = bench.operation(batch);
    bench.is_caught(by_nobody, "only a relayer").await;
}

#[tokio::test]
async fn an_address_without_a_contract_ends_the_batch() {
    let mut bench = Bench::start().await;
    let why = "is not deployed";
    let account = Operation { account: NOWHERE, ..bench.transfer() };
    bench.ends_the_batch(account, why).await;
    let callee = bench.operation(call(NOWHERE, "anything", Vec::new()));
    bench.ends_the_batch(callee, why).await;
    let charge = Some(Charge { token: NOWHERE, ..pays(1) });
    let token = Operation { charge, ..bench.transfer() };
    bench.ends_the_batch(token, why).await;
}

#[tokio::test]
async fn an_undeclared_class_ends_the_batch() {
    let mut bench = Bench::start().await;
    let why = "is not declared";
    let upgrade = call(bench.net.address(1), "upgrade", vec![UNDECLARED]);
    let upgrade = bench.operation(upgrade);
    bench.ends_the_batch(upgrade, why).await;
    let deployed = bench.operation(deploys(DEPLOYER, UNDECLARED, &[]));
    bench.ends_the_batch(deployed, why).await;
}

#[tokio::test]
async fn a_deployment_that_fails_ends_the_batch_and_one_that_works_does_not() {
    let mut bench = Bench::start().await;
    let class = class_of(bench.net.relayer()).await;
    let account = deploys(DEPLOYER, class, &[Felt::TWO]);
    let works = bench.operation(account.clone());
    assert_eq!(bench.send(works).await.unwrap(), Outcome::Succeeded);
    let taken = bench.operation(account);
    bench.ends_the_batch(taken, "contract already deployed").await;
    let constructor = bench.operation(deploys(DEPLOYER, class, &[]));
    bench.ends_the_batch(constructor, "Failed to deserialize param #1").await;
}

#[tokio::test]
async fn a_failing_contract_of_cairo_0_ends_the_batch() {
    let mut bench = Bench::start().await;
    let fails = bench.operation(call(OLD_DEPLOYER, "deployContract", vec![Felt::ONE]));
    bench.ends_the_batch(fails, "Unknown value for memory cell").await;
}

/// What is enough for a batch of three transfers, many times over.
const L2_GAS: u64 = 100_000_000;

#[tokio::test]
async fn running_out_of_gas_ends_the_batch() {
    let mut bench = Bench::start().await;
    let adjudicator = bench.net.net.deploy(1).await.deployment.sha256_adjudicator;
    // Hashing 1 kB takes 120 million.
    let words = vec![Felt::ONE; 33];
    let length = Felt::from(words.len());
    let model_and_input = [&[Felt::ONE, length], &words[..], &[Felt::ZERO; 2]].concat();
    let no_witness = [Felt::ZERO];
    let calldata = [&model_and_input[..], &no_witness].concat();
    let hungry = bench.operation(call(adjudicator, "recompute", calldata));
    let batch = [bench.transfer(), hungry, bench.transfer()];
    let receipt = bench.send_within(L2_GAS, &batch).await;
    assert_eq!(receipt["execution_status"], "REVERTED", "{receipt}");
    let reason = receipt["revert_reason"].as_str().unwrap();
    assert!(reason.contains("Insufficient max L2Gas"), "{reason}");
    assert_eq!(bench.net.balance(TO).await, 0, "nothing happened");
}

impl Bench {
    /// Sends a batch with a limit of gas that is not estimated, and returns its receipt.
    async fn send_within(&self, l2_gas: u64, operations: &[Operation]) -> Value {
        let client = JsonRpcClient::new(HttpTransport::new(self.net.net.devnet.url.clone()));
        let key = SigningKey::from_secret_scalar(self.net.key(RELAYER));
        let (address, chain) = (self.net.address(RELAYER).0, self.net.net.chain.chain_id().0);
        let wallet = LocalWallet::from(key);
        let account =
            SingleOwnerAccount::new(client, wallet, address, chain, ExecutionEncoding::New);
        let nonce = self.net.relayer().nonce().await.unwrap();
        let price = 2_000_000_000;
        let batch = account
            .execute_v3(vec![self.net.forwarder.execute_batch(operations)])
            .nonce(Felt::from(nonce))
            .l1_gas(0)
            .l1_gas_price(price)
            .l2_gas(l2_gas)
            .l2_gas_price(price)
            .l1_data_gas(100_000)
            .l1_data_gas_price(price)
            .tip(0);
        let sent = batch.send().await.unwrap();
        self.net.net.receipt(TxHash(sent.transaction_hash)).await
    }
}
