//! Accounts that the Forwarder deploys, of a class with SNIP-9.

use ciro_api::{Address, Felt, Fri, TrackingId, hash::sign};
use ciro_contracts::{AccountDeployment, Operation, OutsideVersion};
use starknet_rust::core::utils::{UdcUniqueness, get_udc_deployed_address};

use super::TO;
use crate::outside::{Outside, RELAYER, TOKEN, pays, whole};

const SALT: Felt = Felt::from_hex_unchecked("0x5a17");
const KEY: Felt = Felt::from_hex_unchecked("0xdec0de");

/// An account that is not there yet, and its key's first operation.
struct Newcomer {
    net: Outside,
    deployment: AccountDeployment,
}

impl Newcomer {
    async fn start() -> Self {
        let net = Outside::start(2).await;
        let class = net.net.chain.class_at(net.address(RELAYER)).await.unwrap().unwrap();
        let constructor_calldata = vec![sign::public_key(&KEY).0];
        let address =
            get_udc_deployed_address(SALT, class, &UdcUniqueness::NotUnique, &constructor_calldata);
        let deployment = AccountDeployment {
            id: TrackingId(Felt::from(77)),
            account: Address(address),
            class,
            salt: SALT,
            constructor_calldata,
        };
        Self { net, deployment }
    }

    /// Sends 5 fri to [`TO`], and the fee to the Forwarder.
    fn operation(&self, nonce: u64, fee: u128) -> Operation {
        let transfers =
            vec![TOKEN.transfer(TO, Fri(5)), TOKEN.transfer(self.net.forwarder.address, Fri(fee))];
        let execution = self.net.execution(nonce, transfers);
        let account = self.deployment.account;
        let hash = execution.message_hash_v2(self.net.net.chain.chain_id(), account);
        let signature = sign::sign(&KEY, &hash).unwrap();
        Operation {
            id: self.deployment.id,
            account,
            version: OutsideVersion::V2,
            charge: Some(pays(100)),
            calldata: execution.calldata(&[signature.r.0, signature.s.0]),
        }
    }

    async fn fund(&self) {
        let funds = TOKEN.transfer(self.deployment.account, Fri(1_000));
        self.net.net.execute(self.net.relayer(), vec![funds]).await.unwrap();
    }

    async fn class(&self) -> Option<Felt> {
        self.net.net.chain.class_at(self.deployment.account).await.unwrap()
    }
}

#[tokio::test]
async fn a_new_account_is_deployed_and_pays_for_it_with_its_first_operation() {
    let newcomer = Newcomer::start().await;
    newcomer.fund().await;
    let (net, operation) = (&newcomer.net, newcomer.operation(1, 300));
    let (forwarder, chain) = (net.forwarder, &net.net.chain);
    let call = forwarder.first_operation(chain, &newcomer.deployment, &operation).await.unwrap();
    net.net.execute(net.relayer(), vec![call]).await.unwrap();
    assert_eq!(newcomer.class().await, Some(newcomer.deployment.class));
    assert_eq!(net.balance(TO).await, 5);
    assert_eq!(net.balance(newcomer.deployment.account).await, 1_000 - 105);
    assert_eq!(net.balance(forwarder.address).await, 100);
}

#[tokio::test]
async fn an_account_that_somebody_else_has_deployed_runs_its_first_operation_all_the_same() {
    let newcomer = Newcomer::start().await;
    newcomer.fund().await;
    let (net, operation) = (&newcomer.net, newcomer.operation(1, 300));
    let deploy = net.forwarder.deploy_account(&newcomer.deployment);
    net.net.execute(net.relayer(), vec![deploy.clone()]).await.unwrap();
    let again = net.net.execute(net.relayer(), vec![deploy]).await.map_err(whole).unwrap_err();
    assert!(again.contains("contract already deployed"), "{again}");
    let (forwarder, chain) = (net.forwarder, &net.net.chain);
    let call = forwarder.first_operation(chain, &newcomer.deployment, &operation).await.unwrap();
    net.net.execute(net.relayer(), vec![call]).await.unwrap();
    assert_eq!(net.balance(TO).await, 5);
}

#[tokio::test]
async fn an_account_that_does_not_pay_is_not_deployed() {
    let newcomer = Newcomer::start().await;
    newcomer.fund().await;
    let (net, operation) = (&newcomer.net, newcomer.operation(1, 99));
    let call = net.forwarder.deploy_and_execute(&newcomer.deployment, &operation);
    let error = net.net.execute(net.relayer(), vec![call]).await.map_err(whole).unwrap_err();
    assert!(error.contains("charge not paid"), "{error}");
    assert_eq!(newcomer.class().await, None);
    assert_eq!(net.balance(newcomer.deployment.account).await, 1_000);
}

#[tokio::test]
async fn an_account_that_would_come_to_be_elsewhere_is_not_deployed() {
    let newcomer = Newcomer::start().await;
    let net = &newcomer.net;
    let elsewhere = AccountDeployment { salt: Felt::ONE, ..newcomer.deployment.clone() };
    let call = net.forwarder.deploy_account(&elsewhere);
    let error = net.net.execute(net.relayer(), vec![call]).await.map_err(whole).unwrap_err();
    assert!(error.contains("deployed at another address"), "{error}");
    assert_eq!(newcomer.class().await, None);
}
