//! Fleets that are not there yet: by their owner's own transaction, and by the Forwarder with the first operation.

use std::convert::Infallible;

use async_trait::async_trait;
use ciro_api::{Address, Felt, Fri, TrackingId, hash::sign};
use ciro_contracts::{
    AccountDeployment, FleetAccount, FleetAccountParameters, Operation, PrivateKey,
    classes::FLEET_ACCOUNT,
};
use starknet_rust::{
    accounts::{AccountFactory, PreparedAccountDeploymentV3, RawAccountDeploymentV3},
    core::utils::{UdcUniqueness, get_udc_deployed_address},
    providers::{JsonRpcClient, jsonrpc::HttpTransport},
};

use crate::{
    fleet::{Fleet, Grounds, devices, stark, tree},
    net::{MIN_PRICE, MODEL},
    outside::TOKEN,
};

const SALT: Felt = Felt::from_hex_unchecked("0x5a17");

/// A fleet that its owner can deploy.
struct Newcomer {
    parameters: FleetAccountParameters,
    signer: PrivateKey,
    chain_id: Felt,
    provider: JsonRpcClient<HttpTransport>,
}

impl Newcomer {
    /// One whose owner has this key, with STRK at its address. `signer` signs the deployment.
    async fn start(grounds: &Grounds, owner: &PrivateKey, signer: &PrivateKey) -> Self {
        let parameters = FleetAccountParameters {
            owner_key: owner.public_key(),
            root: tree(&[stark(0)], 2).root(),
            policy: grounds.policy(),
            models: vec![MODEL],
        };
        let net = &grounds.outside.net;
        let this = Self {
            parameters,
            signer: signer.clone(),
            chain_id: net.chain.chain_id().0,
            provider: JsonRpcClient::new(HttpTransport::new(net.devnet.url.clone())),
        };
        let gift = TOKEN.transfer(this.address(), Fri::ONE_STRK);
        net.execute(net.operator(), vec![gift]).await.unwrap();
        this
    }

    fn address(&self) -> Address {
        let (class, calldata) = (self.class_hash(), self.calldata());
        Address(get_udc_deployed_address(SALT, class, &UdcUniqueness::NotUnique, &calldata))
    }

    fn account(&self) -> FleetAccount {
        FleetAccount { address: self.address() }
    }
}

#[async_trait]
impl AccountFactory for Newcomer {
    type Provider = JsonRpcClient<HttpTransport>;
    type SignError = Infallible;

    fn class_hash(&self) -> Felt {
        FLEET_ACCOUNT.hash
    }

    fn calldata(&self) -> Vec<Felt> {
        self.parameters.constructor_calldata()
    }

    fn chain_id(&self) -> Felt {
        self.chain_id
    }

    fn provider(&self) -> &Self::Provider {
        &self.provider
    }

    fn is_signer_interactive(&self) -> bool {
        false
    }

    async fn sign_deployment_v3(
        &self,
        deployment: &RawAccountDeploymentV3,
        query_only: bool,
    ) -> Result<Vec<Felt>, Infallible> {
        let prepared = PreparedAccountDeploymentV3::from_raw(deployment.clone(), self);
        let hash = prepared.transaction_hash(query_only);
        let signature = sign::sign(self.signer.reveal(), &hash).unwrap();
        Ok(vec![signature.r.0, signature.s.0])
    }
}

fn key(number: u64) -> PrivateKey {
    PrivateKey::new(Felt::from(number))
}

/// A network where the class is declared, by a fleet that is there already.
async fn start() -> (Grounds, Fleet) {
    let grounds = Grounds::start(3).await;
    let fleet = grounds.fleet(&[stark(0)], 2).await;
    (grounds, fleet)
}

#[tokio::test]
async fn a_fleet_deploys_itself_by_its_owners_transaction() {
    let (grounds, _) = start().await;
    let newcomer = Newcomer::start(&grounds, &key(0xa11), &key(0xa11)).await;
    let sent = newcomer.deploy_v3(SALT).send().await.unwrap();
    assert_eq!(sent.contract_address, newcomer.address().0);
    let chain = &grounds.outside.net.chain;
    assert_eq!(chain.class_at(newcomer.address()).await.unwrap(), Some(FLEET_ACCOUNT.hash));
    let (account, parameters) = (newcomer.account(), &newcomer.parameters);
    assert_eq!(account.owner_key(chain).await.unwrap(), parameters.owner_key);
    assert_eq!(account.root(chain).await.unwrap(), parameters.root);
    assert_eq!(account.policy(chain).await.unwrap(), parameters.policy);
}

#[tokio::test]
async fn nobody_else_deploys_it_with_its_money() {
    let (grounds, _) = start().await;
    let newcomer = Newcomer::start(&grounds, &key(0xa11), &key(0xbad)).await;
    let error = newcomer.deploy_v3(SALT).send().await.unwrap_err();
    assert!(format!("{error:?}").contains("not signed by the owner"), "{error:?}");
    let class = grounds.outside.net.chain.class_at(newcomer.address()).await.unwrap();
    assert_eq!(class, None);
}

#[tokio::test]
async fn the_forwarder_deploys_a_fleet_with_the_first_operation_of_its_owner() {
    let (grounds, fleet) = start().await;
    let owner_key = key(0xa11);
    let newcomer = Newcomer::start(&grounds, &owner_key, &owner_key).await;
    let account = newcomer.account();
    let deployment = AccountDeployment {
        id: TrackingId(Felt::from(77)),
        account: account.address,
        class: FLEET_ACCOUNT.hash,
        salt: SALT,
        constructor_calldata: newcomer.calldata(),
    };
    let fleet = Fleet {
        account,
        owner_key,
        devices: devices((account.address, &grounds), &[stark(0)], 2),
        ..fleet
    };
    let approve = TOKEN.approve(grounds.contracts.pool.address, Fri::ONE_STRK);
    let nonce = ciro_api::hash::fleet::OWNER_NONCE_MIN;
    let first = Operation { id: deployment.id, ..fleet.of_owner(nonce, vec![approve]) };
    let call = grounds.outside.forwarder.deploy_and_execute(&deployment, &first);
    let net = &grounds.outside.net;
    net.execute(grounds.outside.relayer(), vec![call]).await.unwrap();
    let post = grounds.job(MIN_PRICE.0).await;
    let outcomes = super::outcomes(&grounds, &[fleet.operation(0, 0, vec![post])]).await;
    assert_eq!(outcomes, [ciro_contracts::Outcome::Succeeded]);
    assert_eq!(account.spent_today(&net.chain).await.unwrap(), MIN_PRICE);
}
