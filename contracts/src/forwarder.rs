//! The Forwarder as relayers, its owner and everyone see it. Builds calls; sends none.

mod events;
mod operation;

use ciro_api::{Address, Felt};
use starknet_rust::core::types::Call;

use crate::{
    chain::{Chain, ChainError},
    felts::selector,
};

pub use events::{FailureReason, ForwarderEvent, OperationOutcome, Outcome};
pub use operation::{AccountDeployment, Charge, Operation, OutsideVersion, TokenUnits};

/// The contract that relays what accounts have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// Where it is.
    pub address: Address,
}

impl Forwarder {
    fn call(self, function: &str, calldata: Vec<Felt>) -> Call {
        Call { to: self.address.0, selector: selector(function), calldata }
    }

    /// Runs each operation; one that fails is undone alone. The contract takes 1 to
    /// [`OPERATIONS_MAX`](ciro_api::limits::OPERATIONS_MAX).
    pub fn execute_batch(self, operations: &[Operation]) -> Call {
        let mut calldata = vec![Felt::from(operations.len())];
        for operation in operations {
            operation.append_to(&mut calldata);
        }
        self.call("execute_batch", calldata)
    }

    /// Deploys an account. Fails where it is there already.
    pub fn deploy_account(self, deployment: &AccountDeployment) -> Call {
        let mut calldata = Vec::new();
        deployment.append_to(&mut calldata);
        self.call("deploy_account", calldata)
    }

    /// Deploys an account and runs its first operation, or neither.
    pub fn deploy_and_execute(self, deployment: &AccountDeployment, first: &Operation) -> Call {
        let mut calldata = Vec::new();
        deployment.append_to(&mut calldata);
        first.append_to(&mut calldata);
        self.call("deploy_and_execute", calldata)
    }

    /// The call for a first operation, by what is on the chain now: whoever deploys the account before us must not make
    /// the operation fail. A contract has no way to ask, so a deployment that overtakes the call still reverts it;
    /// asking again then gives the other call.
    pub async fn first_operation(
        self,
        chain: &Chain,
        deployment: &AccountDeployment,
        first: &Operation,
    ) -> Result<Call, ChainError> {
        Ok(match chain.class_at(deployment.account).await? {
            None => self.deploy_and_execute(deployment, first),
            Some(_) => self.execute_batch(std::slice::from_ref(first)),
        })
    }

    /// Sends all that it holds of `token` to the fee recipient.
    pub fn collect(self, token: Address) -> Call {
        self.call("collect", vec![token.0])
    }

    /// Lets `relayer` relay once the notice is over; only the owner may.
    pub fn add_relayer(self, relayer: Address) -> Call {
        self.call("add_relayer", vec![relayer.0])
    }

    /// Ends `relayer`'s right at once; only the owner may.
    pub fn remove_relayer(self, relayer: Address) -> Call {
        self.call("remove_relayer", vec![relayer.0])
    }

    /// Offers the ownership to `to`; the zero address withdraws the offer.
    pub fn propose_owner(self, to: Address) -> Call {
        self.call("propose_owner", vec![to.0])
    }

    /// Takes over the ownership that was offered to the caller, after the notice.
    pub fn accept_ownership(self) -> Call {
        self.call("accept_ownership", Vec::new())
    }

    /// From when on `relayer` may relay, in seconds since 1970; nothing where it may not.
    pub async fn relays_from(
        self,
        chain: &Chain,
        relayer: Address,
    ) -> Result<Option<u64>, ChainError> {
        let from =
            chain.view(self.address, "relays_from", vec![relayer.0], |f| f.number("from")).await?;
        Ok(Some(from).filter(|from| *from != 0))
    }

    /// Who owns it.
    pub async fn owner(self, chain: &Chain) -> Result<Address, ChainError> {
        chain.view(self.address, "owner", Vec::new(), |f| f.address("owner")).await
    }

    /// Where all fees go.
    pub async fn fee_recipient(self, chain: &Chain) -> Result<Address, ChainError> {
        chain.view(self.address, "fee_recipient", Vec::new(), |f| f.address("recipient")).await
    }

    /// In seconds: how long what the owner grants waits before it counts.
    pub async fn notice_s(self, chain: &Chain) -> Result<u64, ChainError> {
        chain.view(self.address, "notice_s", Vec::new(), |f| f.number("notice")).await
    }
}
