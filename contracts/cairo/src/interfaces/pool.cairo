//! CdcPool, one trait per kind of caller. The implementations say what each function requires.

use crate::types::payment::Payment;
use starknet::ContractAddress;

/// For the JobManager alone: moving money. For everyone: who the JobManager is.
#[starknet::interface]
pub trait IPool<TState> {
    fn pay(
        ref self: TState, operator: ContractAddress, min_stake: u128, payments: Span<Payment>
    ) -> Span<felt252>;
    fn take_escrow(ref self: TState, poster: ContractAddress, amount: u128);
    fn pay_escrow(
        ref self: TState,
        poster: ContractAddress,
        worker: ContractAddress,
        min_stake: u128,
        amount: u128
    );
    fn return_escrow(ref self: TState, poster: ContractAddress, amount: u128);
    fn slash(ref self: TState, worker: ContractAddress, reporter: ContractAddress);
    fn job_manager(self: @TState) -> ContractAddress;
    fn last_seq(
        self: @TState, sponsor: ContractAddress, operator: ContractAddress, worker: ContractAddress
    ) -> u128;
    fn escrow_of(self: @TState, poster: ContractAddress) -> u128;
    fn treasury(self: @TState) -> ContractAddress;
}

/// For everyone: which token this pool holds.
#[starknet::interface]
pub trait IVault<TState> {
    fn token(self: @TState) -> ContractAddress;
}

/// For sponsors: who pays, how much, and through whom.
#[starknet::interface]
pub trait ISponsors<TState> {
    fn deposit(ref self: TState, operator: ContractAddress, amount: u128);
    fn announce_withdrawal(ref self: TState, operator: ContractAddress, amount: u128);
    fn withdraw(ref self: TState, operator: ContractAddress);
    fn set_allowance(ref self: TState, operator: ContractAddress, per_epoch: u128);
    fn deposit_of(self: @TState, sponsor: ContractAddress, operator: ContractAddress) -> u128;
    fn announced_withdrawal_of(
        self: @TState, sponsor: ContractAddress, operator: ContractAddress
    ) -> (u128, u64);
    fn allowance_of(self: @TState, sponsor: ContractAddress, operator: ContractAddress) -> u128;
    fn allowance_per_epoch(
        self: @TState, sponsor: ContractAddress, operator: ContractAddress
    ) -> u128;
    fn last_allowance_set(
        self: @TState, sponsor: ContractAddress, operator: ContractAddress
    ) -> (u128, u64);
    fn allowance_epoch_s(self: @TState) -> u64;
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
    fn exposed_until(self: @TState, worker: ContractAddress) -> u64;
    fn slashed_at(self: @TState, worker: ContractAddress) -> u64;
    fn unbonding_s(self: @TState) -> u64;
}

/// For workers: pay that waits out the challenge window. For everyone: giving a liar's back.
#[starknet::interface]
pub trait IPendingPay<TState> {
    fn claim(ref self: TState, worker: ContractAddress, sponsors: Span<ContractAddress>);
    fn return_pay(ref self: TState, worker: ContractAddress, sponsors: Span<ContractAddress>);
    fn pending_of(self: @TState, worker: ContractAddress, sponsor: ContractAddress) -> (u128, u128);
    fn claimable_of(self: @TState, worker: ContractAddress) -> u128;
    fn earned_of(self: @TState, worker: ContractAddress) -> u128;
    fn next_unlock_at(self: @TState, worker: ContractAddress, sponsor: ContractAddress) -> u64;
    fn challenge_window_s(self: @TState) -> u64;
}
