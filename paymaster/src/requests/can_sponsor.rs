//! `paymaster_canSponsor`: whether the sponsor would pay, by which rule, and why not. A dry run: nothing is reserved or kept.

use serde::Serialize;

use super::{
    build::build_for,
    desk::{Caller, Desk},
};
use crate::{
    ask::Phase,
    snip29::{Fault, FaultCode, FeeEstimate, FeeMode, Parameters, UserTransaction},
};

/// What a dry run says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CanSponsor {
    /// Whether the sponsor would pay now.
    pub sponsored: bool,
    /// What it would cost, where it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<FeeEstimate>,
    /// Why not: the data of the fault that `build` would answer with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denial: Option<serde_json::Value>,
}

/// Asks. What is wrong with the request itself is a fault here too.
pub async fn can_sponsor(
    desk: &Desk,
    caller: &Caller,
    transaction: UserTransaction,
    parameters: Parameters,
) -> Result<CanSponsor, Fault> {
    let FeeMode::Sponsored { .. } = parameters.fee_mode else {
        let detail = "only fee mode `sponsored` has a sponsor";
        return Err(Fault::new(FaultCode::InvalidParams, detail));
    };
    match build_for(desk, caller, transaction, parameters, Phase::DryRun).await {
        Ok(built) => Ok(CanSponsor { sponsored: true, fee: Some(built.fee), denial: None }),
        Err(fault) if fault.code == FaultCode::TransactionExecutionError => {
            Ok(CanSponsor { sponsored: false, fee: None, denial: fault.data })
        }
        Err(fault) => Err(fault),
    }
}
