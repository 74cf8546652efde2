//! The part of a mintable ERC-20 that the JobManager needs: StarkGate's token class has it.

use starknet::ContractAddress;

#[starknet::interface]
pub trait IMintable<TState> {
    fn permissioned_mint(ref self: TState, account: ContractAddress, amount: u256);
}
