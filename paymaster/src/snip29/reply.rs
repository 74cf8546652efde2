//! What a paymaster answers.

use serde::Serialize;
use serde_json::Value;

use super::{felt::WireFelt, parameters::Parameters, transaction::Deployment};

/// What a request costs. Clients read all five, also when a sponsor pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeeEstimate {
    /// What one whole token costs, in fri.
    pub gas_token_price_in_strk: WireFelt,
    /// In fri.
    pub estimated_fee_in_strk: WireFelt,
    /// In the token's smallest unit.
    pub estimated_fee_in_gas_token: WireFelt,
    /// With room for prices that rise, in fri.
    pub suggested_max_fee_in_strk: WireFelt,
    /// The same in the token's smallest unit. In default mode the user signs a transfer of exactly this.
    pub suggested_max_fee_in_gas_token: WireFelt,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Built {
    /// What is to be signed, and what was asked for.
    #[serde(flatten)]
    pub transaction: BuiltTransaction,
    /// As they came; a client sends them back.
    pub parameters: Parameters,
    /// What it costs.
    pub fee: FeeEstimate,
}

/// What is to be signed, if anything is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BuiltTransaction {
    /// Nothing is to be signed.
    Deploy {
        /// As it came.
        deployment: Deployment,
    },
    /// Calls.
    Invoke {
        /// For the account's owner.
        typed_data: Value,
    },
    /// Calls of an account that is made first.
    DeployAndInvoke {
        /// As it came.
        deployment: Deployment,
        /// For the account's owner.
        typed_data: Value,
    },
}

/// A request that was taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Executed {
    /// Follows the request, whichever transaction carries it.
    pub tracking_id: WireFelt,
    /// The first transaction that carries it.
    pub transaction_hash: WireFelt,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tracked {
    /// The transaction that carries it now.
    pub transaction_hash: WireFelt,
    /// How it stands.
    pub status: TrackingState,
}

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackingState {
    /// It is on its way, and its transaction may still be replaced.
    Active,
    /// It is in a block.
    Accepted,
    /// It was given up.
    Dropped,
}

/// A token that fees may be paid in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SupportedToken {
    /// The ERC-20.
    pub token_address: WireFelt,
    /// Its decimals.
    pub decimals: u8,
    /// What one whole token costs, in fri.
    pub price_in_strk: WireFelt,
}
