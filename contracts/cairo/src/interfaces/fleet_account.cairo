//! FleetAccount, one trait per kind of caller. The implementations say what each function requires.

use crate::types::outside_execution::OutsideExecution;
use crate::types::session_policy::SessionPolicy;
use starknet::account::Call;

/// For the chain, and for whoever asks whether the owner has signed: SNIP-6.
#[starknet::interface]
pub trait IAccount<TState> {
    fn __validate__(self: @TState, calls: Array<Call>) -> felt252;
    fn __execute__(ref self: TState, calls: Array<Call>) -> Array<Span<felt252>>;
    fn __validate_deploy__(
        self: @TState,
        class_hash: felt252,
        salt: felt252,
        owner_key: felt252,
        root: felt252,
        policy: SessionPolicy,
        models: Span<felt252>
    ) -> felt252;
    fn is_valid_signature(self: @TState, hash: felt252, signature: Array<felt252>) -> felt252;
}

/// For relayers: SNIP-9 version 2, and a device's signature alone.
#[starknet::interface]
pub trait IOutsideExecution<TState> {
    fn execute_from_outside_v2(
        ref self: TState, outside_execution: OutsideExecution, signature: Span<felt252>
    ) -> Array<Span<felt252>>;
    fn is_valid_device_signature(
        self: @TState, outside_execution: OutsideExecution, signature: Span<felt252>
    ) -> bool;
}

/// For everyone: which nonces are used.
#[starknet::interface]
pub trait INonces<TState> {
    fn is_valid_outside_execution_nonce(self: @TState, nonce: felt252) -> bool;
    fn used_nonces(self: @TState, index: felt252, word: u64) -> u128;
}

/// For everyone: which interfaces it has. SRC-5.
#[starknet::interface]
pub trait IIntrospection<TState> {
    fn supports_interface(self: @TState, interface_id: felt252) -> bool;
}

/// For the owner, through the account: its key.
#[starknet::interface]
pub trait IOwnerKey<TState> {
    fn rotate_owner_key(ref self: TState, key: felt252, signature: Span<felt252>);
    fn owner_key(self: @TState) -> felt252;
}

/// For the owner, through the account: which devices there are.
#[starknet::interface]
pub trait IDevices<TState> {
    fn rotate(ref self: TState, root: felt252, previous_until: u64);
    fn revoke(ref self: TState, device: felt252);
    fn unrevoke(ref self: TState, device: felt252);
    fn root(self: @TState) -> felt252;
    fn previous_root(self: @TState) -> (felt252, u64);
    fn is_revoked(self: @TState, device: felt252) -> bool;
}

/// For the owner, through the account: what devices may do.
#[starknet::interface]
pub trait ISession<TState> {
    fn set_policy(ref self: TState, policy: SessionPolicy);
    fn allow_model(ref self: TState, model: felt252);
    fn disallow_model(ref self: TState, model: felt252);
    fn policy(self: @TState) -> SessionPolicy;
    fn is_model_allowed(self: @TState, model: felt252) -> bool;
    fn spent_today(self: @TState) -> u128;
}
