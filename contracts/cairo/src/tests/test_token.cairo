//! An ERC-20 for tests. It can be told to misbehave; out of the box it is honest.

use starknet::ContractAddress;

/// How the token behaves.
pub mod Mood {
    pub const HONEST: felt252 = 0;
    /// Answers true and moves nothing.
    pub const LIES: felt252 = 'lies';
    /// Keeps one unit of what it moves.
    pub const TAKES_FEE: felt252 = 'takes fee';
    /// Answers false.
    pub const REFUSES: felt252 = 'refuses';
    /// Calls the pool back with the selector set in `reenter_with`.
    pub const REENTERS: felt252 = 'reenters';
}

#[starknet::interface]
pub trait ITestToken<TState> {
    fn mint(ref self: TState, account: ContractAddress, amount: u256);
    fn set_mood(ref self: TState, mood: felt252);
    fn reenter_with(ref self: TState, selector: felt252, arguments: Span<felt252>);
    fn approve(ref self: TState, spender: ContractAddress, amount: u256) -> bool;
}

#[starknet::contract]
pub mod TestToken {
    use crate::interfaces::erc20::IErc20;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::call_contract_syscall;
    use starknet::{ContractAddress, get_caller_address};
    use super::Mood;

    #[storage]
    struct Storage {
        balances: Map<ContractAddress, u256>,
        allowances: Map<(ContractAddress, ContractAddress), u256>,
        mood: felt252,
        reentry_selector: felt252,
        reentry_arguments: Map<u32, felt252>,
        reentry_argument_count: u32,
    }

    #[abi(embed_v0)]
    impl Erc20Impl of IErc20<ContractState> {
        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.balances.read(account)
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.move_units(get_caller_address(), recipient, amount)
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            let spender = get_caller_address();
            let left = self.allowances.read((sender, spender));
            assert(left >= amount, 'test token: allowance');
            self.allowances.write((sender, spender), left - amount);
            self.move_units(sender, recipient, amount)
        }
    }

    #[abi(embed_v0)]
    impl TestTokenImpl of super::ITestToken<ContractState> {
        fn mint(ref self: ContractState, account: ContractAddress, amount: u256) {
            self.balances.write(account, self.balances.read(account) + amount);
        }

        fn set_mood(ref self: ContractState, mood: felt252) {
            self.mood.write(mood);
        }

        fn reenter_with(ref self: ContractState, selector: felt252, arguments: Span<felt252>) {
            self.mood.write(Mood::REENTERS);
            self.reentry_selector.write(selector);
            self.reentry_argument_count.write(arguments.len());
            for index in 0
                ..arguments.len() {
                    self.reentry_arguments.write(index, *arguments[index]);
                };
        }

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) -> bool {
            self.allowances.write((get_caller_address(), spender), amount);
            true
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        fn move_units(
            ref self: ContractState, from: ContractAddress, to: ContractAddress, amount: u256
        ) -> bool {
            let mood = self.mood.read();
            if mood == Mood::LIES {
                return true;
            }
            if mood == Mood::REFUSES {
                return false;
            }
            if mood == Mood::REENTERS {
                self.reenter();
            }
            let balance = self.balances.read(from);
            assert(balance >= amount, 'test token: balance');
            let fee = if mood == Mood::TAKES_FEE {
                1
            } else {
                0
            };
            self.balances.write(from, balance - amount);
            self.balances.write(to, self.balances.read(to) + amount - fee);
            true
        }

        /// The pool is the caller. The error is let through: as the attacker's, it must end all.
        fn reenter(ref self: ContractState) {
            let mut arguments = array![];
            for index in 0
                ..self
                    .reentry_argument_count
                    .read() {
                        arguments.append(self.reentry_arguments.read(index));
                    };
            let selector = self.reentry_selector.read();
            let pool = get_caller_address();
            let outcome = call_contract_syscall(pool, selector, arguments.span());
            match outcome {
                Result::Ok(_) => {},
                Result::Err(reason) => panic(reason),
            }
        }
    }
}
