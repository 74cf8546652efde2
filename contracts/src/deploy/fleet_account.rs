//! The account of a fleet: whoever has devices deploys one, beside any deployment of ours.

use ciro_api::{Address, Felt, ModelId, PublicKey, felt::Digest};

use super::{DeployError, address_of, declare, instance};
use crate::{
    account::KeyedAccount,
    classes::FLEET_ACCOUNT,
    fleet_account::{FleetAccount, SessionPolicy},
};

/// What a fleet's account begins with. Its owner can change all of it, so the address is of the first owner's key and of
/// what it chose then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetAccountParameters {
    /// Signs for the owner.
    pub owner_key: PublicKey,
    /// The root of the devices' keys; zero where there are none yet.
    pub root: Digest,
    /// What devices may do.
    pub policy: SessionPolicy,
    /// The models that are allowed by name; none twice.
    pub models: Vec<ModelId>,
}

impl FleetAccountParameters {
    /// What the constructor takes, for whoever deploys it in another way.
    pub fn constructor_calldata(&self) -> Vec<Felt> {
        let mut felts = vec![self.owner_key.0, self.root.0];
        felts.extend(self.policy.felts());
        felts.push(Felt::from(self.models.len()));
        felts.extend(self.models.iter().map(|model| model.0));
        felts
    }

    /// Where the account with these parameters is or will be.
    pub fn address(&self) -> Address {
        address_of(&FLEET_ACCOUNT, &self.constructor_calldata())
    }
}

/// Makes sure that the class is declared and the account with these parameters deployed. `account` pays for it.
pub async fn deploy_fleet_account(
    account: &KeyedAccount,
    parameters: &FleetAccountParameters,
) -> Result<FleetAccount, DeployError> {
    declare(account, "FleetAccount", &FLEET_ACCOUNT).await?;
    let address =
        instance(account, "FleetAccount", &FLEET_ACCOUNT, &parameters.constructor_calldata())
            .await?;
    Ok(FleetAccount { address })
}
