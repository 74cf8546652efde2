//! What a transaction would do and cost, if it were the next one. Sends nothing.

use std::collections::BTreeSet;

use ciro_api::{Address, Felt};
use starknet_rust::{
    accounts::Account,
    core::types::{
        BlockId, BlockTag, Call, EntryPointType, ExecuteInvocation, FeeEstimate,
        FunctionInvocation, OrderedEvent, SimulateTransactionsResult, SimulatedTransaction,
        SimulationFlag, TransactionTrace,
    },
    providers::Provider,
};

use super::{AccountError, KeyedAccount};
use crate::chain::{ChainError, unsigned};

const DOING: &str = "simulate a transaction";

/// Whether the account's own check of the signature is a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// With its cost.
    Included,
    /// Without.
    Skipped,
}

/// What a transaction would do and cost.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// What it would cost; what it has cost until it was reverted.
    pub fee: FeeEstimate,
    /// What it would do.
    pub effects: Effects,
}

/// What a transaction would do.
#[derive(Clone, Debug)]
pub enum Effects {
    /// These calls.
    Succeeded(Box<FunctionInvocation>),
    /// Nothing, for this reason.
    Reverted(String),
}

impl KeyedAccount {
    /// Simulates calls as the account's next transaction on the newest state, pre-confirmed transactions counted. The fee is
    /// not charged, so that the account needs no balance.
    pub async fn simulate(
        &self,
        calls: Vec<Call>,
        validation: Validation,
    ) -> Result<Simulation, AccountError> {
        let mut nonce = self.nonce().await?;
        loop {
            match self.simulate_as(calls.clone(), nonce, validation).await {
                // Nodes want the very next nonce, and a transaction of ours may have come in between.
                Err(AccountError::Chain(error)) if error.refusal().is_some() => {
                    let now = self.nonce().await?;
                    if now == nonce {
                        return Err(error.into());
                    }
                    nonce = now;
                }
                done => return done,
            }
        }
    }

    async fn simulate_as(
        &self,
        calls: Vec<Call>,
        nonce: u64,
        validation: Validation,
    ) -> Result<Simulation, AccountError> {
        let execution = self.inner.execute_v3(calls).nonce(Felt::from(nonce));
        let skip = validation == Validation::Skipped;
        let simulated = self.library(DOING, execution.simulate(skip, true)).await?;
        Ok(Simulation::of(simulated)?)
    }
}

impl KeyedAccount {
    /// Simulates calls of ours, and after them calls of another account that need not be there before; neither is validated.
    pub async fn simulate_before(
        &self,
        calls: Vec<Call>,
        other: Address,
        other_calls: &[Call],
    ) -> Result<(Simulation, Simulation), AccountError> {
        let nonce = Felt::from(self.nonce().await?);
        let both =
            [unsigned(self.address, &calls, nonce), unsigned(other, other_calls, Felt::ZERO)];
        let flags = [SimulationFlag::SkipValidate, SimulationFlag::SkipFeeCharge];
        let client = self.chain.client();
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        let request = client.simulate_transactions(block, both, flags);
        let simulated = self.chain.ask(DOING, request).await?;
        let (SimulateTransactionsResult::Transactions(traces)
        | SimulateTransactionsResult::TransactionsWithInitialReads {
            simulated_transactions: traces,
            ..
        }) = simulated;
        let Ok([first, second]) = <[SimulatedTransaction; 2]>::try_from(traces) else {
            let detail = "there are not two traces".to_owned();
            return Err(ChainError::Unexpected { doing: DOING, detail }.into());
        };
        Ok((Simulation::of(first)?, Simulation::of(second)?))
    }
}

impl Simulation {
    pub(crate) fn of(simulated: SimulatedTransaction) -> Result<Self, ChainError> {
        let TransactionTrace::Invoke(trace) = simulated.transaction_trace else {
            let detail = "the trace is of another kind of transaction".to_owned();
            return Err(ChainError::Unexpected { doing: DOING, detail });
        };
        let effects = match trace.execute_invocation {
            ExecuteInvocation::Success(root) => Effects::Succeeded(Box::new(root)),
            ExecuteInvocation::Reverted(reverted) => Effects::Reverted(reverted.revert_reason),
        };
        Ok(Self { fee: simulated.fee_estimation, effects })
    }
}

/// The call and all that it caused, in order.
fn walk(root: &FunctionInvocation) -> impl Iterator<Item = &FunctionInvocation> {
    let mut waiting = vec![root];
    std::iter::from_fn(move || {
        let call = waiting.pop()?;
        waiting.extend(call.calls.iter().rev());
        Some(call)
    })
}

impl Effects {
    /// What `contract` emitted where the account called it directly.
    pub fn emitted_by(&self, contract: Address) -> Vec<&OrderedEvent> {
        let Self::Succeeded(root) = self else { return Vec::new() };
        let direct = root.calls.iter().filter(|call| call.contract_address == contract.0);
        direct.flat_map(|call| &call.events).collect()
    }

    /// The classes of everything that was called.
    pub fn classes(&self) -> BTreeSet<Felt> {
        let Self::Succeeded(root) = self else { return BTreeSet::new() };
        walk(root).map(|call| call.class_hash).collect()
    }

    /// Whether a contract was made.
    pub fn deploys(&self) -> bool {
        let Self::Succeeded(root) = self else { return false };
        walk(root).any(|call| call.entry_point_type == EntryPointType::Constructor)
    }
}
