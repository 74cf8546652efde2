//! What a relayer asks the Forwarder to do for one account.

use starknet::{ClassHash, ContractAddress};

/// The function of SNIP-9 that takes what the account signed. There is no fourth: an operation
/// cannot name another function.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub enum OutsideVersion {
    /// `execute_from_outside`.
    V1,
    /// `execute_from_outside_v2`.
    V2,
    /// `execute_from_outside_v3`, which has its nonces in bitmaps.
    V3,
}

#[generate_trait]
pub impl OutsideVersionImpl of OutsideVersionTrait {
    fn selector(self: OutsideVersion) -> felt252 {
        match self {
            OutsideVersion::V1 => selector!("execute_from_outside"),
            OutsideVersion::V2 => selector!("execute_from_outside_v2"),
            OutsideVersion::V3 => selector!("execute_from_outside_v3"),
        }
    }
}

/// What the account pays, out of what its own signed calls send to the Forwarder.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Charge {
    pub token: ContractAddress,
    /// In the token's smallest unit. What the account sends beyond it goes back to it.
    pub amount: u128,
}

/// One outside execution.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Operation {
    /// The paymaster's number for it. The contract only repeats it.
    pub id: felt252,
    pub account: ContractAddress,
    pub version: OutsideVersion,
    /// Nothing where somebody else pays.
    pub charge: Option<Charge>,
    /// The outside execution and its signature, as the account takes them.
    pub calldata: Span<felt252>,
}

/// An account that is not there yet.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Deployment {
    /// The paymaster's number for it. The contract only repeats it.
    pub id: felt252,
    /// Where the account must come to be.
    pub account: ContractAddress,
    pub class: ClassHash,
    pub salt: felt252,
    pub constructor_calldata: Span<felt252>,
}
