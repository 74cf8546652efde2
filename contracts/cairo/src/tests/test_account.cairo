//! An account for tests: it does whatever it is told, and asks for no signature.

use starknet::ContractAddress;

/// One call that the account makes.
#[derive(Drop, Serde)]
pub struct Step {
    pub to: ContractAddress,
    pub selector: felt252,
    pub calldata: Span<felt252>,
}

#[starknet::interface]
pub trait ITestAccount<TState> {
    /// Each makes the calls; then it panics with `words`, where there are any.
    fn execute_from_outside(ref self: TState, steps: Array<Step>, words: Array<felt252>);
    fn execute_from_outside_v2(ref self: TState, steps: Array<Step>, words: Array<felt252>);
    fn execute_from_outside_v3(ref self: TState, steps: Array<Step>, words: Array<felt252>);
    /// The numbers of the functions that were called, oldest first, as decimal digits.
    fn history(self: @TState) -> felt252;
}

#[starknet::contract]
pub mod TestAccount {
    use starknet::SyscallResultTrait;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::syscalls::call_contract_syscall;
    use super::Step;

    #[storage]
    struct Storage {
        history: felt252,
    }

    #[constructor]
    fn constructor(ref self: ContractState, owner: felt252) {
        assert(owner != 0, 'test account: no owner');
    }

    #[abi(embed_v0)]
    impl TestAccountImpl of super::ITestAccount<ContractState> {
        fn execute_from_outside(
            ref self: ContractState, steps: Array<Step>, words: Array<felt252>
        ) {
            self.perform(1, steps, words);
        }

        fn execute_from_outside_v2(
            ref self: ContractState, steps: Array<Step>, words: Array<felt252>
        ) {
            self.perform(2, steps, words);
        }

        fn execute_from_outside_v3(
            ref self: ContractState, steps: Array<Step>, words: Array<felt252>
        ) {
            self.perform(3, steps, words);
        }

        fn history(self: @ContractState) -> felt252 {
            self.history.read()
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        fn perform(
            ref self: ContractState, version: felt252, steps: Array<Step>, words: Array<felt252>
        ) {
            self.history.write(10 * self.history.read() + version);
            for step in steps {
                call_contract_syscall(step.to, step.selector, step.calldata).unwrap_syscall();
            };
            if !words.is_empty() {
                panic(words);
            }
        }
    }
}
