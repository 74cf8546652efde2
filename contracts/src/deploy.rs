//! Declares and deploys the contracts. Doing it again finds what is there and changes nothing.

use ciro_api::{Address, Felt, Fri};
use starknet_rust::core::{
    types::{BlockId, BlockTag, Call, StarknetError},
    utils::{UdcUniqueness, get_udc_deployed_address},
};
use starknet_rust::providers::Provider;

use crate::{
    account::{AccountError, KeyedAccount},
    chain::{Chain, ChainError},
    classes::{CDC_POOL, Class, JOB_MANAGER},
    deployment::Deployment,
    felts::selector,
    pool::Pool,
};

/// The Universal Deployer Contract, at the same address on mainnet, Sepolia and devnet.
const UNIVERSAL_DEPLOYER: Address = Address(Felt::from_hex_unchecked(
    "0x2ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125",
));

/// Fixed, so that the same parameters always mean the same address. `CIRO` in ASCII.
const SALT: Felt = Felt::from_hex_unchecked("0x4349524f");

/// What the constructor fixes for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The ERC-20 token that everything is counted in.
    pub token: Address,
    /// Who may register models.
    pub registrar: Address,
    /// Least active stake of a worker.
    pub min_worker_stake: Fri,
    /// How long pay stays challengeable at least.
    pub challenge_window_s: u64,
    /// From announcing a withdrawal to taking it; at least two windows.
    pub withdrawal_notice_s: u64,
    /// From announcing an unstake to taking it; at least two windows.
    pub unbonding_s: u64,
}

impl Parameters {
    fn calldata(&self) -> Vec<Felt> {
        vec![
            self.token.0,
            JOB_MANAGER.hash,
            self.registrar.0,
            self.min_worker_stake.into(),
            Felt::from(self.challenge_window_s),
            Felt::from(self.withdrawal_notice_s),
            Felt::from(self.unbonding_s),
        ]
    }

    /// Where the pool with these parameters is or will be.
    pub fn pool_address(&self) -> Address {
        let unique = UdcUniqueness::NotUnique;
        Address(get_udc_deployed_address(SALT, CDC_POOL.hash, &unique, &self.calldata()))
    }
}

/// A deployment that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A class could not be declared.
    #[error("could not declare {class}")]
    Declare {
        /// Which.
        class: &'static str,
        /// Why.
        #[source]
        source: AccountError,
    },
    /// The pool could not be deployed.
    #[error("could not deploy CdcPool")]
    Deploy(#[source] AccountError),
    /// The chain could not be read.
    #[error("could not look at what is deployed")]
    Read(#[from] ChainError),
    /// Something else lives there.
    #[error("the contract at {address} is of class {found:#x}, not of ours")]
    OtherClass {
        /// Where.
        address: Address,
        /// What.
        found: Felt,
    },
}

/// Makes sure that both classes are declared and the pool with these parameters is deployed.
pub async fn deploy(
    account: &KeyedAccount,
    parameters: &Parameters,
) -> Result<Deployment, DeployError> {
    let chain = account.chain();
    declare(account, "JobManager", &JOB_MANAGER).await?;
    declare(account, "CdcPool", &CDC_POOL).await?;
    let address = parameters.pool_address();
    match chain.class_at(address).await? {
        Some(class) if class == CDC_POOL.hash => {}
        Some(found) => return Err(DeployError::OtherClass { address, found }),
        None => deploy_pool(account, parameters).await.map_err(DeployError::Deploy)?,
    }
    let pool = Pool { address };
    Ok(Deployment {
        chain_id: chain.chain_id(),
        pool: address,
        job_manager: pool.job_manager(chain).await?,
        token: pool.token(chain).await?,
        deployed_at_block: deployed_at_block(chain, address).await?,
    })
}

async fn declare(
    account: &KeyedAccount,
    name: &'static str,
    class: &Class,
) -> Result<(), DeployError> {
    if is_declared(account.chain(), class).await? {
        return Ok(());
    }
    match account.declare(class).await {
        // Somebody else was faster: classes belong to nobody.
        Err(AccountError::Chain(error))
            if error.refusal() == Some(&StarknetError::ClassAlreadyDeclared) =>
        {
            Ok(())
        }
        done => done.map_err(|source| DeployError::Declare { class: name, source }),
    }
}

async fn is_declared(chain: &Chain, class: &Class) -> Result<bool, ChainError> {
    let client = chain.client();
    let request = client.get_class(BlockId::Tag(BlockTag::PreConfirmed), class.hash);
    match chain.ask("look for a class", request).await {
        Ok(_) => Ok(true),
        Err(error) if error.refusal() == Some(&StarknetError::ClassHashNotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn deploy_pool(account: &KeyedAccount, parameters: &Parameters) -> Result<(), AccountError> {
    let constructor = parameters.calldata();
    let mut calldata = vec![CDC_POOL.hash, SALT, Felt::ZERO, Felt::from(constructor.len())];
    calldata.extend(constructor);
    let call = Call { to: UNIVERSAL_DEPLOYER.0, selector: selector("deployContract"), calldata };
    account.execute(vec![call]).await.map(drop)
}

/// The block in which the deployer says it deployed `address`; zero, which is only slower, when it
/// says nothing.
async fn deployed_at_block(chain: &Chain, address: Address) -> Result<u64, ChainError> {
    let head = chain.head().await?.number;
    let events = chain.events(&[UNIVERSAL_DEPLOYER], 0, head).await?;
    let ours = events.iter().find(|event| {
        event.data.first() == Some(&address.0) || event.keys.get(1) == Some(&address.0)
    });
    Ok(ours.and_then(|event| event.block_number).unwrap_or(0))
}
