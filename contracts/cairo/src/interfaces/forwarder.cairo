//! The Forwarder, one trait per kind of caller. The implementations say what each function
//! requires.

use crate::types::operation::{Charge, Deployment, Operation, OutsideVersion};
use starknet::ContractAddress;

/// For relayers.
#[starknet::interface]
pub trait IForwarder<TState> {
    fn execute_batch(ref self: TState, operations: Span<Operation>);
    fn deploy_account(ref self: TState, deployment: Deployment);
    fn deploy_and_execute(ref self: TState, deployment: Deployment, operation: Operation);
}

/// For the Forwarder itself: a call of its own is what can be undone alone.
#[starknet::interface]
pub trait ICharged<TState> {
    fn execute_charged(
        ref self: TState,
        account: ContractAddress,
        version: OutsideVersion,
        charge: Charge,
        balance: Option<u256>,
        calldata: Span<felt252>
    ) -> u256;
}

/// For everyone: where the fees go.
#[starknet::interface]
pub trait IFees<TState> {
    fn collect(ref self: TState, token: ContractAddress);
    fn fee_recipient(self: @TState) -> ContractAddress;
}

/// For the owner: who relays.
#[starknet::interface]
pub trait IRelayers<TState> {
    fn add_relayer(ref self: TState, relayer: ContractAddress);
    fn remove_relayer(ref self: TState, relayer: ContractAddress);
    fn relays_from(self: @TState, relayer: ContractAddress) -> u64;
}

/// For the owner and its successor.
#[starknet::interface]
pub trait IOwnership<TState> {
    fn propose_owner(ref self: TState, to: ContractAddress);
    fn accept_ownership(ref self: TState);
    fn owner(self: @TState) -> ContractAddress;
    fn proposed_owner(self: @TState) -> (ContractAddress, u64);
    fn notice_s(self: @TState) -> u64;
}
