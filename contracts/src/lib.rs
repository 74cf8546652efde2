//! The notary: typed calls, events and deployment of the Cairo contracts.
//!
//! Speaks to a Starknet node and knows the contracts' words. Never decides what is paid, and keeps no state.

pub mod account;
pub mod chain;
pub mod classes;
pub mod deploy;
pub mod deployment;
pub mod events;
pub mod evidence;
mod felts;
pub mod fleet_account;
pub mod forwarder;
pub mod job_manager;
pub mod pool;
pub mod private_key;
pub mod signer;
pub mod token;

pub use account::{
    AccountError, Effects, KeyedAccount, ResourceBounds, SignedTransaction, Simulation, Validation,
};
pub use chain::{Chain, ChainError, ClassKind, Receipt, TransactionOutcome, account_address};
pub use deploy::{
    DeployError, FleetAccountParameters, ForwarderParameters, Parameters, deploy,
    deploy_fleet_account, deploy_forwarder,
};
pub use deployment::{Deployment, DeploymentFileError};
pub use events::{Event, EventError, Located};
pub use evidence::Evidence;
pub use felts::selector;
pub use fleet_account::{Device, DeviceSecret, FleetAccount, ModelsAllowed, SessionPolicy};
pub use forwarder::{
    AccountDeployment, Charge, FailureReason, Forwarder, ForwarderEvent, Operation,
    OperationOutcome, Outcome, OutsideVersion, TokenUnits,
};
pub use job_manager::{
    JobManager, ModelTerms, OperatorSignedStatement, Role, SignedStatement, StatementOutcome,
};
pub use pool::{Announced, Pending, Pool};
pub use private_key::{PrivateKey, PrivateKeyError};
pub use signer::{AccountSigner, RemoteSigner, SignerError, SignerLink};
/// A call as an account makes it.
pub use starknet_rust::core::types::Call;
pub use token::Token;
