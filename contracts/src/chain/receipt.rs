//! What a transaction did and what it cost, once it is in a block.

use ciro_api::{Fri, TxHash};
use starknet_rust::{
    core::types::{
        Event, ExecutionResult, PriceUnit, StarknetError, TransactionFinalityStatus,
        TransactionReceipt,
    },
    providers::Provider,
};

use super::{Chain, ChainError};

const DOING: &str = "read a transaction's receipt";

/// What a transaction did and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// In which block.
    pub block: u64,
    /// Why it was undone, if it was.
    pub reverted: Option<String>,
    /// What its account paid, also for what was undone.
    pub fee: Fri,
    /// What was emitted.
    pub events: Vec<Event>,
}

impl Chain {
    /// The receipt of a transaction, or nothing where it is in no accepted block.
    pub async fn receipt(&self, hash: TxHash) -> Result<Option<Receipt>, ChainError> {
        let request = self.client.get_transaction_receipt(hash.0);
        let found = match self.ask(DOING, request).await {
            Err(e) if e.refusal() == Some(&StarknetError::TransactionHashNotFound) => {
                return Ok(None);
            }
            answer => answer?,
        };
        let unexpected =
            |detail: &str| ChainError::Unexpected { doing: DOING, detail: detail.to_owned() };
        let TransactionReceipt::Invoke(receipt) = found.receipt else {
            return Err(unexpected("it is of another kind of transaction"));
        };
        if receipt.finality_status == TransactionFinalityStatus::PreConfirmed {
            return Ok(None);
        }
        if receipt.actual_fee.unit != PriceUnit::Fri {
            return Err(unexpected("its fee is not in fri"));
        }
        let fee = u128::try_from(receipt.actual_fee.amount)
            .map_err(|_| unexpected("its fee is out of range"))?;
        let reverted = match receipt.execution_result {
            ExecutionResult::Succeeded => None,
            ExecutionResult::Reverted { reason } => Some(reason),
        };
        let block = found.block.block_number();
        Ok(Some(Receipt { block, reverted, fee: Fri(fee), events: receipt.events }))
    }
}
