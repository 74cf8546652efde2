//! CdcPool, one trait per kind of caller. The implementations say what each function requires.

use starknet::ContractAddress;

/// For everyone: the parameters, fixed at deployment. And for the JobManager: paying.
#[starknet::interface]
pub trait IPool<TState> {
    fn try_pay(
        ref self: TState,
        sponsor: ContractAddress,
        operator: ContractAddress,
        worker: ContractAddress,
        amount: u128
    ) -> felt252;
    fn job_manager(self: @TState) -> ContractAddress;
}

/// For everyone: which token this pool holds.
#[starknet::interface]
pub trait IVault<TState> {
    fn token(self: @TState) -> ContractAddress;
}

/// For sponsors: who pays, how much, and through whom.
#[starknet::interface]
pub trait ISponsors<TState> {
    fn deposit(ref self: TState, amount: u128);
    fn announce_withdrawal(ref self: TState, amount: u128);
    fn withdraw(ref self: TState);
    fn set_allowance(ref self: TState, operator: ContractAddress, amount: u128);
    fn deposit_of(self: @TState, sponsor: ContractAddress) -> u128;
    fn announced_withdrawal_of(self: @TState, sponsor: ContractAddress) -> (u128, u64);
    fn allowance_of(self: @TState, sponsor: ContractAddress, operator: ContractAddress) -> u128;
    fn withdrawal_notice_s(self: @TState) -> u64;
}

/// For workers: the stake that stands behind their signatures.
#[starknet::interface]
pub trait IStakes<TState> {
    fn stake(ref self: TState, amount: u128);
    fn announce_unstake(ref self: TState, amount: u128);
    fn unstake(ref self: TState);
    fn stake_of(self: @TState, worker: ContractAddress) -> u128;
    fn active_stake_of(self: @TState, worker: ContractAddress) -> u128;
    fn announced_unstake_of(self: @TState, worker: ContractAddress) -> (u128, u64);
    fn unbonding_s(self: @TState) -> u64;
}

/// For workers: pay that waits out the challenge window.
#[starknet::interface]
pub trait IPendingPay<TState> {
    fn claim(ref self: TState, worker: ContractAddress);
    fn pending_of(self: @TState, worker: ContractAddress) -> (u128, u128);
    fn next_unlock_at(self: @TState, worker: ContractAddress) -> u64;
    fn challenge_window_s(self: @TState) -> u64;
}
