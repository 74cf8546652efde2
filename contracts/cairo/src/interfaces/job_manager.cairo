//! JobManager, one trait per concern. The implementations say what each function requires.

use crate::types::model::Model;
use crate::types::statement::{SignedStatement, Statement};
use starknet::ContractAddress;

/// For operators: settling statements. For everyone: what was settled, and the parameters.
#[starknet::interface]
pub trait ISettlement<TState> {
    fn settle(ref self: TState, statements: Array<SignedStatement>);
    fn last_seq(self: @TState, sponsor: ContractAddress, worker: ContractAddress) -> u128;
    fn statement_message_hash(self: @TState, statement: Statement) -> felt252;
    fn pool(self: @TState) -> ContractAddress;
}

/// For workers: the key that signs for them.
#[starknet::interface]
pub trait IWorkers<TState> {
    fn register_worker(ref self: TState, public_key: felt252);
    fn worker_key(self: @TState, worker: ContractAddress) -> felt252;
    fn was_worker_key(self: @TState, worker: ContractAddress, public_key: felt252) -> u64;
    fn min_worker_stake(self: @TState) -> u128;
}

/// For the registrar: which models exist. For everyone: what each one promises.
#[starknet::interface]
pub trait IModels<TState> {
    fn register_model(
        ref self: TState,
        model_id: felt252,
        level: u8,
        scheme: felt252,
        input_bytes_max: u32,
        min_price: u128,
        min_stake: u128,
        manifest_uri: ByteArray
    );
    fn model(self: @TState, model_id: felt252) -> Option<Model>;
    fn registrar(self: @TState) -> ContractAddress;
}
