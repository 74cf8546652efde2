//! The only code that touches the token. It keeps no balances of its own.

#[starknet::component]
pub mod VaultComponent {
    use core::num::traits::Zero;
    use crate::interfaces::erc20::{IErc20Dispatcher, IErc20DispatcherTrait};
    use crate::interfaces::pool::IVault;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{ContractAddress, get_contract_address};

    #[storage]
    pub struct Storage {
        token: ContractAddress,
        /// Set while the token runs, so that a token with callbacks cannot start another movement.
        in_token_call: bool,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {}

    pub mod Errors {
        pub const TOKEN_IS_ZERO: felt252 = 'token is zero';
        pub const REENTRANT_CALL: felt252 = 'reentrant call';
        pub const PULL_REFUSED: felt252 = 'token refused the pull';
        pub const PULL_NOT_RECEIVED: felt252 = 'token moved another amount';
        pub const PUSH_REFUSED: felt252 = 'token refused the payout';
    }

    #[embeddable_as(Vault)]
    pub impl VaultImpl<
        TContractState, +HasComponent<TContractState>
    > of IVault<ComponentState<TContractState>> {
        /// The ERC-20 token that every amount in this contract is counted in.
        fn token(self: @ComponentState<TContractState>) -> ContractAddress {
            self.token.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the token. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - `token` is not zero.
        fn initialize(ref self: ComponentState<TContractState>, token: ContractAddress) {
            assert(token.is_non_zero(), Errors::TOKEN_IS_ZERO);
            self.token.write(token);
        }

        /// Takes `amount` from `payer`, who has approved it. The caller has already credited it.
        ///
        /// The word of the token is not enough: a token that takes a fee, or that says yes and
        /// moves nothing, would leave credits without money behind them. So the balance is
        /// compared.
        ///
        /// *Requirements*
        /// - No token call of ours is under way.
        /// - The token answers true, and our balance has grown by exactly `amount`.
        fn pull(ref self: ComponentState<TContractState>, payer: ContractAddress, amount: u128) {
            let token = self.enter();
            let here = get_contract_address();
            let before = token.balance_of(here);
            assert(token.transfer_from(payer, here, amount.into()), Errors::PULL_REFUSED);
            let received = token.balance_of(here) == before + amount.into();
            assert(received, Errors::PULL_NOT_RECEIVED);
            self.in_token_call.write(false);
        }

        /// Sends `amount` to `recipient`. The caller has already debited it.
        ///
        /// *Requirements*
        /// - No token call of ours is under way.
        /// - The token answers true.
        fn push(
            ref self: ComponentState<TContractState>, recipient: ContractAddress, amount: u128
        ) {
            let token = self.enter();
            assert(token.transfer(recipient, amount.into()), Errors::PUSH_REFUSED);
            self.in_token_call.write(false);
        }

        /// Sends `amount` to `recipient`, where there is anything to send.
        fn push_unless_zero(
            ref self: ComponentState<TContractState>, recipient: ContractAddress, amount: u128
        ) {
            if amount != 0 {
                self.push(recipient, amount);
            }
        }

        fn enter(ref self: ComponentState<TContractState>) -> IErc20Dispatcher {
            assert(!self.in_token_call.read(), Errors::REENTRANT_CALL);
            self.in_token_call.write(true);
            IErc20Dispatcher { contract_address: self.token.read() }
        }
    }
}
