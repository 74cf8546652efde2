//! What a user wants done.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::felt::WireFelt;

/// One call of the user's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserCall {
    /// The contract.
    pub to: WireFelt,
    /// The function.
    pub selector: WireFelt,
    /// Its arguments.
    pub calldata: Vec<WireFelt>,
}

/// An account that is to exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Where it will be: must follow from the rest.
    pub address: WireFelt,
    /// Its class.
    pub class_hash: WireFelt,
    /// What tells it from others of its class and arguments.
    pub salt: WireFelt,
    /// The arguments of its constructor.
    pub calldata: Vec<WireFelt>,
    /// What some classes need signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigdata: Option<Vec<WireFelt>>,
    /// The Cairo version of the class. Only 1 is possible.
    pub version: u8,
}

/// The calls of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInvoke {
    /// The account.
    pub user_address: WireFelt,
    /// What it does, in order: all or nothing.
    pub calls: Vec<UserCall>,
}

/// What is to be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum UserTransaction {
    /// An account is made.
    Deploy {
        /// Which.
        deployment: Deployment,
    },
    /// An account acts.
    Invoke {
        /// How.
        invoke: UserInvoke,
    },
    /// An account is made and acts.
    DeployAndInvoke {
        /// Which.
        deployment: Deployment,
        /// How.
        invoke: UserInvoke,
    },
}

/// Calls that the account's owner has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedInvoke {
    /// The account.
    pub user_address: WireFelt,
    /// What was signed, as it was built: read by [`super::typed_data::read`].
    pub typed_data: Value,
    /// Whatever the account takes for a signature.
    pub signature: Vec<WireFelt>,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ExecutableTransaction {
    /// An account is made. Nobody has signed it.
    Deploy {
        /// Which.
        deployment: Deployment,
    },
    /// An account acts.
    Invoke {
        /// How.
        invoke: SignedInvoke,
    },
    /// An account is made and acts.
    DeployAndInvoke {
        /// Which.
        deployment: Deployment,
        /// How.
        invoke: SignedInvoke,
    },
}
