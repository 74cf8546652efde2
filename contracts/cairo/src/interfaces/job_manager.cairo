//! JobManager, one trait per concern. The implementations say what each function requires.

use crate::types::evidence::Evidence;
use crate::types::model::Model;
use crate::types::onchain_job::OnchainJob;
use crate::types::roles::Role;
use crate::types::statement::{OperatorSignedStatement, SignedStatement, Statement};
use starknet::ContractAddress;

/// For operators, and for workers that settle by themselves. For everyone: what is signed.
#[starknet::interface]
pub trait ISettlement<TState> {
    fn settle(ref self: TState, statements: Array<SignedStatement>);
    fn settle_for(
        ref self: TState, operator: ContractAddress, statements: Array<OperatorSignedStatement>
    );
    fn statement_message_hash(
        self: @TState, statement: Statement, operator: ContractAddress, signer: ContractAddress
    ) -> felt252;
}

/// For everyone: the contract that holds the money.
#[starknet::interface]
pub trait IBinding<TState> {
    fn pool(self: @TState) -> ContractAddress;
}

/// For workers: the key that signs for them.
#[starknet::interface]
pub trait IWorkers<TState> {
    fn register_worker(ref self: TState, public_key: felt252);
    fn deregister_worker(ref self: TState);
    fn worker_key(self: @TState, worker: ContractAddress) -> felt252;
    fn was_worker_key(self: @TState, worker: ContractAddress, public_key: felt252) -> u64;
    fn min_worker_stake(self: @TState) -> u128;
}

/// For operators: the key that signs statements which others send.
#[starknet::interface]
pub trait IOperators<TState> {
    fn register_operator(ref self: TState, public_key: felt252);
    fn operator_key(self: @TState, operator: ContractAddress) -> felt252;
}

/// For the registrar: which models exist. For everyone: what each one promises.
#[starknet::interface]
pub trait IModels<TState> {
    fn register_model(
        ref self: TState,
        model_id: felt252,
        level: u8,
        adjudicator: ContractAddress,
        scheme: felt252,
        input_bytes_max: u32,
        min_price: u128,
        min_stake: u128,
        manifest_uri: ByteArray
    );
    fn model(self: @TState, model_id: felt252) -> Option<Model>;
}

/// For dApps: jobs whose money and output are on chain. For workers: fulfilling them.
#[starknet::interface]
pub trait IOnchainJobs<TState> {
    fn post_job(
        ref self: TState, model: felt252, price: u128, deadline: u64, input: ByteArray
    ) -> felt252;
    fn fulfil(ref self: TState, evidence: Evidence, output: ByteArray);
    fn deliver(ref self: TState, job: felt252, output: ByteArray);
    fn reclaim(ref self: TState, job: felt252);
    fn onchain_job(self: @TState, job: felt252) -> OnchainJob;
}

/// For anyone who holds evidence that a worker signed a wrong result.
#[starknet::interface]
pub trait IFraud<TState> {
    fn slash_equivocation(ref self: TState, first: Evidence, second: Evidence);
    fn adjudicate(ref self: TState, evidence: Evidence, input: ByteArray, witness: Span<felt252>);
}

/// For workers: the reward beside their pay.
#[starknet::interface]
pub trait ICredits<TState> {
    fn mint_credits(ref self: TState, worker: ContractAddress);
    fn credits_due(self: @TState, worker: ContractAddress) -> u128;
    fn credits_minted(self: @TState) -> u128;
    fn credits_cap(self: @TState) -> u128;
    fn credits(self: @TState) -> ContractAddress;
}

/// For the holders of the two roles: handing them on. For everyone: who holds them.
#[starknet::interface]
pub trait IRoles<TState> {
    fn propose_handover(ref self: TState, role: Role, to: ContractAddress);
    fn accept_handover(ref self: TState, role: Role);
    fn holder_of(self: @TState, role: Role) -> ContractAddress;
    fn proposed_handover_of(self: @TState, role: Role) -> (ContractAddress, u64);
}

/// For the guardian: holding up new settlements for a while.
#[starknet::interface]
pub trait IPause<TState> {
    fn pause(ref self: TState);
    fn unpause(ref self: TState);
    fn paused_until(self: @TState) -> u64;
    fn may_pause_from(self: @TState) -> u64;
}
