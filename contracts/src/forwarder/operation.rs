//! What a relayer asks the Forwarder to do for one account.

use ciro_api::{Address, Felt, TrackingId};

/// The function of SNIP-9 that takes what the account signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideVersion {
    /// `execute_from_outside`.
    V1,
    /// `execute_from_outside_v2`.
    V2,
    /// `execute_from_outside_v3`, which has its nonces in bitmaps.
    V3,
}

impl OutsideVersion {
    /// The place in the contract's enum.
    fn felt(self) -> Felt {
        match self {
            Self::V1 => Felt::ZERO,
            Self::V2 => Felt::ONE,
            Self::V3 => Felt::TWO,
        }
    }
}

/// An amount in a token's smallest unit, whichever token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenUnits(pub u128);

/// What the account pays, out of what its own signed calls send to the Forwarder. The rest goes back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// In which token.
    pub token: Address,
    /// How much.
    pub amount: TokenUnits,
}

/// One outside execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The contract repeats it in the event of the outcome.
    pub id: TrackingId,
    /// Who signed.
    pub account: Address,
    /// How the account takes it.
    pub version: OutsideVersion,
    /// Nothing where somebody else pays.
    pub charge: Option<Charge>,
    /// The outside execution and its signature:
    /// [`OutsideExecution::calldata`](ciro_api::hash::outside_execution::OutsideExecution::calldata).
    pub calldata: Vec<Felt>,
}

impl Operation {
    pub(super) fn append_to(&self, felts: &mut Vec<Felt>) {
        felts.extend([self.id.0, self.account.0, self.version.felt()]);
        match self.charge {
            Some(Charge { token, amount }) => {
                felts.extend([Felt::ZERO, token.0, Felt::from(amount.0)]);
            }
            None => felts.push(Felt::ONE),
        }
        felts.push(Felt::from(self.calldata.len()));
        felts.extend(&self.calldata);
    }
}

/// An account that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDeployment {
    /// The contract repeats it in the event of the deployment.
    pub id: TrackingId,
    /// Where it must come to be; another address fails.
    pub account: Address,
    /// Its class, which is declared.
    pub class: Felt,
    /// Part of what its address is made from.
    pub salt: Felt,
    /// What its constructor takes.
    pub constructor_calldata: Vec<Felt>,
}

impl AccountDeployment {
    pub(super) fn append_to(&self, felts: &mut Vec<Felt>) {
        felts.extend([self.id.0, self.account.0, self.class, self.salt]);
        felts.push(Felt::from(self.constructor_calldata.len()));
        felts.extend(&self.constructor_calldata);
    }
}
