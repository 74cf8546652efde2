//! The Forwarder: a part of a deployment that can come later, or never.

use ciro_api::{Address, Felt};

use super::{DeployError, address_of, declare, instance};
use crate::{account::KeyedAccount, classes::FORWARDER, forwarder::Forwarder};

/// What the Forwarder's constructor fixes for good, and whom it names first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwarderParameters {
    /// Chooses the relayers.
    pub owner: Address,
    /// Where all fees go.
    pub fee_recipient: Address,
    /// How long what the owner grants waits before it counts; not zero and at most a year.
    pub notice_s: u64,
    /// Who may relay from the start.
    pub relayers: Vec<Address>,
}

impl ForwarderParameters {
    fn calldata(&self) -> Vec<Felt> {
        let mut felts = vec![self.owner.0, self.fee_recipient.0, Felt::from(self.notice_s)];
        felts.push(Felt::from(self.relayers.len()));
        felts.extend(self.relayers.iter().map(|relayer| relayer.0));
        felts
    }

    /// Where the Forwarder with these parameters is or will be.
    pub fn address(&self) -> Address {
        address_of(&FORWARDER, &self.calldata())
    }
}

/// Makes sure that the class is declared and the Forwarder with these parameters deployed.
pub async fn deploy_forwarder(
    account: &KeyedAccount,
    parameters: &ForwarderParameters,
) -> Result<Forwarder, DeployError> {
    declare(account, "Forwarder", &FORWARDER).await?;
    let address = instance(account, "Forwarder", &FORWARDER, &parameters.calldata()).await?;
    Ok(Forwarder { address })
}
