//! Declares and deploys the contracts. Doing it again finds what is there and changes nothing.

mod fleet_account;
mod forwarder;

pub use fleet_account::{FleetAccountParameters, deploy_fleet_account};
pub use forwarder::{ForwarderParameters, deploy_forwarder};

use ciro_api::{Address, Felt, Fri};
use starknet_rust::core::{
    types::{BlockId, BlockTag, Call, StarknetError},
    utils::{UdcUniqueness, get_udc_deployed_address},
};
use starknet_rust::providers::Provider;

use crate::{
    account::{AccountError, KeyedAccount},
    chain::{Chain, ChainError},
    classes::{CDC_POOL, Class, JOB_MANAGER, SHA256_ADJUDICATOR},
    deployment::Deployment,
    felts::selector,
    job_manager::JobManager,
    pool::Pool,
};

/// The Universal Deployer Contract, at the same address on mainnet, Sepolia and devnet.
const UNIVERSAL_DEPLOYER: Address = Address(Felt::from_hex_unchecked(
    "0x2ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125",
));

/// Fixed, so that the same parameters always mean the same address. `CIRO` in ASCII.
const SALT: Felt = Felt::from_hex_unchecked("0x4349524f");

/// The class of STRK on devnet 0.10.1: an ERC-20 of `StarkGate` with a minter role. Whether a public network has
/// declared this very class must be looked up before deploying there.
pub const STARKGATE_ERC20_CLASS: Felt =
    Felt::from_hex_unchecked("0x2e77ee61d4df3d988ee1f42ea5442e913862cc82c2584d212ecda76666498fc");

/// What the constructors fix for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The ERC-20 token that everything is counted in.
    pub token: Address,
    /// Gets the part of a slashed stake that its reporter does not.
    pub treasury: Address,
    /// How long pay stays challengeable at least.
    pub challenge_window_s: u64,
    /// From announcing a withdrawal to taking it; at least two windows.
    pub withdrawal_notice_s: u64,
    /// From announcing an unstake to taking it; at least two windows.
    pub unbonding_s: u64,
    /// How long an operator's allowance lasts before it starts anew.
    pub allowance_epoch_s: u64,
    /// Who may register models.
    pub registrar: Address,
    /// Who may pause settlement for a window.
    pub guardian: Address,
    /// Least active stake of a worker.
    pub min_worker_stake: Fri,
    /// The declared class that the credits are an instance of.
    pub credits_class: Felt,
    /// The most credits that will ever exist, in units of 10^-18.
    pub credits_cap: u128,
}

impl Parameters {
    fn calldata(&self) -> Vec<Felt> {
        vec![
            self.token.0,
            self.treasury.0,
            Felt::from(self.challenge_window_s),
            Felt::from(self.withdrawal_notice_s),
            Felt::from(self.unbonding_s),
            Felt::from(self.allowance_epoch_s),
            JOB_MANAGER.hash,
            self.registrar.0,
            self.guardian.0,
            self.min_worker_stake.into(),
            self.credits_class,
            Felt::from(self.credits_cap),
        ]
    }

    /// Where the pool with these parameters is or will be.
    pub fn pool_address(&self) -> Address {
        address_of(&CDC_POOL, &self.calldata())
    }
}

fn address_of(class: &Class, constructor: &[Felt]) -> Address {
    Address(get_udc_deployed_address(SALT, class.hash, &UdcUniqueness::NotUnique, constructor))
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
    /// A contract could not be deployed.
    #[error("could not deploy {contract}")]
    Deploy {
        /// Which.
        contract: &'static str,
        /// Why.
        #[source]
        source: AccountError,
    },
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

/// Makes sure that the classes are declared, and that the pool with these parameters and the adjudicator are
/// deployed.
pub async fn deploy(
    account: &KeyedAccount,
    parameters: &Parameters,
) -> Result<Deployment, DeployError> {
    let chain = account.chain();
    declare(account, "JobManager", &JOB_MANAGER).await?;
    declare(account, "CdcPool", &CDC_POOL).await?;
    declare(account, "Sha256Adjudicator", &SHA256_ADJUDICATOR).await?;
    let sha256_adjudicator =
        instance(account, "Sha256Adjudicator", &SHA256_ADJUDICATOR, &[]).await?;
    let address = instance(account, "CdcPool", &CDC_POOL, &parameters.calldata()).await?;
    let pool = Pool { address };
    let job_manager = pool.job_manager(chain).await?;
    Ok(Deployment {
        chain_id: chain.chain_id(),
        pool: address,
        job_manager,
        sha256_adjudicator,
        credits: JobManager { address: job_manager }.credits(chain).await?,
        token: pool.token(chain).await?,
        forwarder: None,
        allowance_epoch_s: pool.allowance_epoch_s(chain).await?,
        deployed_at_block: deployed_at_block(chain, address).await?,
    })
}

/// The instance of `class` with these constructor arguments, deployed unless it is there.
async fn instance(
    account: &KeyedAccount,
    name: &'static str,
    class: &Class,
    constructor: &[Felt],
) -> Result<Address, DeployError> {
    let address = address_of(class, constructor);
    match account.chain().class_at(address).await? {
        Some(found) if found == class.hash => {}
        Some(found) => return Err(DeployError::OtherClass { address, found }),
        None => deploy_instance(account, class, constructor)
            .await
            .map_err(|source| DeployError::Deploy { contract: name, source })?,
    }
    Ok(address)
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

async fn deploy_instance(
    account: &KeyedAccount,
    class: &Class,
    constructor: &[Felt],
) -> Result<(), AccountError> {
    let mut calldata = vec![class.hash, SALT, Felt::ZERO, Felt::from(constructor.len())];
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
