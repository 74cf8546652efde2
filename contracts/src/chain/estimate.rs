//! What calls of somebody else's account would do and cost, before it has signed them.

use ciro_api::{Address, Felt};
use starknet_rust::{
    core::types::{
        BlockId, BlockTag, BroadcastedInvokeTransaction, BroadcastedInvokeTransactionV3,
        BroadcastedTransaction, Call, DataAvailabilityMode, ResourceBounds, ResourceBoundsMapping,
        SimulationFlag,
    },
    core::utils::get_contract_address,
    providers::Provider,
};

use super::{Chain, ChainError};
use crate::account::Simulation;

const NO_GAS: ResourceBounds = ResourceBounds { max_amount: 0, max_price_per_unit: 0 };

/// The calls of one transaction, as accounts of Cairo 1 take them.
fn multicall(calls: &[Call]) -> Vec<Felt> {
    let mut felts = vec![Felt::from(calls.len())];
    for call in calls {
        felts.extend([call.to, call.selector, Felt::from(call.calldata.len())]);
        felts.extend(&call.calldata);
    }
    felts
}

/// The transaction as far as a simulation without validation looks at it.
pub(crate) fn unsigned(account: Address, calls: &[Call], nonce: Felt) -> BroadcastedTransaction {
    let transaction = BroadcastedInvokeTransactionV3 {
        sender_address: account.0,
        calldata: multicall(calls),
        signature: Vec::new(),
        nonce,
        resource_bounds: ResourceBoundsMapping {
            l1_gas: NO_GAS,
            l1_data_gas: NO_GAS,
            l2_gas: NO_GAS,
        },
        tip: 0,
        paymaster_data: Vec::new(),
        account_deployment_data: Vec::new(),
        nonce_data_availability_mode: DataAvailabilityMode::L1,
        fee_data_availability_mode: DataAvailabilityMode::L1,
        proof_facts: None,
        is_query: true,
    };
    BroadcastedTransaction::Invoke(BroadcastedInvokeTransaction {
        broadcasted_invoke_txn_v3: transaction,
        proof: None,
    })
}

impl Chain {
    /// The nonce of an account's next transaction, pre-confirmed ones counted.
    pub async fn nonce_of(&self, account: Address) -> Result<Felt, ChainError> {
        let request = self.client.get_nonce(BlockId::Tag(BlockTag::PreConfirmed), account.0);
        self.ask("read an account's nonce", request).await
    }

    /// Simulates calls as the next transaction of `account`, without a signature, a balance or a fee.
    pub async fn simulate_unsigned(
        &self,
        account: Address,
        calls: &[Call],
    ) -> Result<Simulation, ChainError> {
        let nonce = self.nonce_of(account).await?;
        let transaction = unsigned(account, calls, nonce);
        let flags = [SimulationFlag::SkipValidate, SimulationFlag::SkipFeeCharge];
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        let request = self.client.simulate_transaction(block, transaction, flags);
        let simulated = self.ask("simulate an account's calls", request).await?;
        Simulation::of(simulated)
    }
}

/// Where an account comes to be that is deployed by nobody in particular.
pub fn account_address(class: Felt, salt: Felt, constructor_calldata: &[Felt]) -> Address {
    Address(get_contract_address(salt, class, constructor_calldata, Felt::ZERO))
}
