//! An operation at rest, as the parts of the Forwarder's call.

use ciro_api::{Address, Felt, OperationId, TrackingId};
use ciro_contracts::{
    AccountDeployment, Call, Charge, Forwarder, Operation, OutsideVersion, TokenUnits,
};
use serde::{Deserialize, Serialize};

use crate::snip29::WireFelt;

/// What is carried for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// An outside execution.
    Execute(Operation),
    /// An account that is made.
    Deploy(AccountDeployment),
    /// An account that is made, and its first outside execution.
    DeployAndExecute(AccountDeployment, Operation),
}

impl Carried {
    /// Whether it can share a transaction at all: the Forwarder takes a deployment alone.
    pub fn is_alone(&self) -> bool {
        !matches!(self, Self::Execute(_))
    }

    /// The call that carries it, and nothing else.
    pub fn call(&self, forwarder: Forwarder) -> Call {
        match self {
            Self::Execute(operation) => forwarder.execute_batch(std::slice::from_ref(operation)),
            Self::Deploy(deployment) => forwarder.deploy_account(deployment),
            Self::DeployAndExecute(deployment, first) => {
                forwarder.deploy_and_execute(deployment, first)
            }
        }
    }
}

/// The same, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    account: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execution: Option<Execution>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployment: Option<Deployment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Execution {
    version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charge: Option<Fee>,
    calldata: Vec<WireFelt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fee {
    token: Address,
    amount: WireFelt,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployment {
    class: WireFelt,
    salt: WireFelt,
    constructor_calldata: Vec<WireFelt>,
}

/// A stored operation that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("an operation is stored with {0}")]
pub struct StrangeBody(&'static str);

/// How a client follows the operation.
pub(super) fn tracking_id(id: OperationId) -> TrackingId {
    TrackingId(Felt::from(id.0.as_u128()))
}

fn wire(felts: &[Felt]) -> Vec<WireFelt> {
    felts.iter().copied().map(WireFelt).collect()
}

fn felts(wire: &[WireFelt]) -> Vec<Felt> {
    wire.iter().map(|felt| felt.0).collect()
}

impl Body {
    /// For the database.
    pub fn of(carried: &Carried) -> Self {
        let (account, execution, deployment) = match carried {
            Carried::Execute(operation) => (operation.account, Some(operation), None),
            Carried::Deploy(deployment) => (deployment.account, None, Some(deployment)),
            Carried::DeployAndExecute(deployment, first) => {
                (first.account, Some(first), Some(deployment))
            }
        };
        let execution = execution.map(|operation| Execution {
            version: match operation.version {
                OutsideVersion::V1 => 1,
                OutsideVersion::V2 => 2,
                OutsideVersion::V3 => 3,
            },
            charge: operation.charge.map(|charge| Fee {
                token: charge.token,
                amount: WireFelt(Felt::from(charge.amount.0)),
            }),
            calldata: wire(&operation.calldata),
        });
        let deployment = deployment.map(|deployment| Deployment {
            class: WireFelt(deployment.class),
            salt: WireFelt(deployment.salt),
            constructor_calldata: wire(&deployment.constructor_calldata),
        });
        Self { account, execution, deployment }
    }

    /// Out of the database.
    pub fn carried(&self, id: OperationId) -> Result<Carried, StrangeBody> {
        let id = tracking_id(id);
        let account = self.account;
        let execution = self.execution.as_ref().map(|e| e.operation(id, account)).transpose()?;
        let deployment = self.deployment.as_ref().map(|deployment| AccountDeployment {
            id,
            account,
            class: deployment.class.0,
            salt: deployment.salt.0,
            constructor_calldata: felts(&deployment.constructor_calldata),
        });
        match (deployment, execution) {
            (None, Some(operation)) => Ok(Carried::Execute(operation)),
            (Some(deployment), None) => Ok(Carried::Deploy(deployment)),
            (Some(deployment), Some(first)) => Ok(Carried::DeployAndExecute(deployment, first)),
            (None, None) => Err(StrangeBody("nothing to carry")),
        }
    }
}

impl Execution {
    fn operation(&self, id: TrackingId, account: Address) -> Result<Operation, StrangeBody> {
        let version = match self.version {
            1 => OutsideVersion::V1,
            2 => OutsideVersion::V2,
            3 => OutsideVersion::V3,
            _ => return Err(StrangeBody("a version of SNIP-9 that there is not")),
        };
        let charge = self.charge.as_ref().map(|fee| {
            let amount = u128::try_from(fee.amount.0)
                .map_err(|_| StrangeBody("a charge that is out of range"))?;
            Ok(Charge { token: fee.token, amount: TokenUnits(amount) })
        });
        let charge = charge.transpose()?;
        Ok(Operation { id, account, version, charge, calldata: felts(&self.calldata) })
    }
}
