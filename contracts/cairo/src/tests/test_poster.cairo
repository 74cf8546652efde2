//! A contract that posts jobs and is handed their outputs. It can be told to misbehave; out of the
//! box it is honest.

use starknet::ContractAddress;

/// How the callback behaves.
pub mod Mood {
    pub const HONEST: felt252 = 0;
    /// Panics with `REASON`.
    pub const PANICS: felt252 = 'panics';
    /// Panics with no reason at all.
    pub const PANICS_SILENTLY: felt252 = 'panics silently';
    /// Calls the JobManager back with what was set in `reenter_with`, and goes on as if honest.
    pub const REENTERS: felt252 = 'reenters';
}

/// What a panicking callback says.
pub const REASON: felt252 = 'test poster: panics';

#[starknet::interface]
pub trait ITestPoster<TState> {
    fn set_mood(ref self: TState, mood: felt252);
    fn reenter_with(ref self: TState, selector: felt252, arguments: Span<felt252>);
    fn post(
        ref self: TState, model: felt252, price: u128, deadline: u64, input: ByteArray
    ) -> felt252;
    /// The last job whose output was handed over, and the output.
    fn received(self: @TState) -> (felt252, ByteArray);
    /// How many outputs were handed over.
    fn received_count(self: @TState) -> u32;
    /// Why the call back was refused; zero when it was not.
    fn reentry_refusal(self: @TState) -> felt252;
}

/// A poster of this JobManager's jobs.
pub fn deploy_poster(manager: ContractAddress) -> ITestPosterDispatcher {
    let class = TestPoster::TEST_CLASS_HASH.try_into().unwrap();
    let calldata = [manager.into()].span();
    let (contract_address, _) = starknet::syscalls::deploy_syscall(class, 0, calldata, false)
        .unwrap();
    ITestPosterDispatcher { contract_address }
}

#[starknet::contract]
pub mod TestPoster {
    use crate::interfaces::job_callback::IJobCallback;
    use crate::interfaces::job_manager::{IOnchainJobsDispatcher, IOnchainJobsDispatcherTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::call_contract_syscall;
    use starknet::{ContractAddress, get_caller_address};
    use super::{Mood, REASON};

    #[storage]
    struct Storage {
        manager: ContractAddress,
        mood: felt252,
        reentry_selector: felt252,
        reentry_arguments: Map<u32, felt252>,
        reentry_argument_count: u32,
        reentry_refusal: felt252,
        received_job: felt252,
        received_output: ByteArray,
        received_count: u32,
    }

    #[constructor]
    fn constructor(ref self: ContractState, manager: ContractAddress) {
        self.manager.write(manager);
    }

    #[abi(embed_v0)]
    impl CallbackImpl of IJobCallback<ContractState> {
        fn on_job_fulfilled(ref self: ContractState, job: felt252, output: ByteArray) {
            let by_manager = get_caller_address() == self.manager.read();
            assert(by_manager, 'test poster: not the manager');
            let mood = self.mood.read();
            if mood == Mood::PANICS {
                core::panic_with_felt252(REASON);
            }
            if mood == Mood::PANICS_SILENTLY {
                core::panics::panic(array![]);
            }
            if mood == Mood::REENTERS {
                self.reenter();
            }
            self.received_job.write(job);
            self.received_output.write(output);
            self.received_count.write(self.received_count.read() + 1);
        }
    }

    #[abi(embed_v0)]
    impl TestPosterImpl of super::ITestPoster<ContractState> {
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

        fn post(
            ref self: ContractState, model: felt252, price: u128, deadline: u64, input: ByteArray
        ) -> felt252 {
            let jobs = IOnchainJobsDispatcher { contract_address: self.manager.read() };
            jobs.post_job(model, price, deadline, input)
        }

        fn received(self: @ContractState) -> (felt252, ByteArray) {
            (self.received_job.read(), self.received_output.read())
        }

        fn received_count(self: @ContractState) -> u32 {
            self.received_count.read()
        }

        fn reentry_refusal(self: @ContractState) -> felt252 {
            self.reentry_refusal.read()
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        /// Swallows the refusal: as the attacker, it wants the rest of the delivery to go on.
        fn reenter(ref self: ContractState) {
            let mut arguments = array![];
            for index in 0
                ..self
                    .reentry_argument_count
                    .read() {
                        arguments.append(self.reentry_arguments.read(index));
                    };
            let selector = self.reentry_selector.read();
            match call_contract_syscall(self.manager.read(), selector, arguments.span()) {
                Result::Ok(_) => self.reentry_refusal.write(0),
                Result::Err(reasons) => self.reentry_refusal.write(*reasons[0]),
            }
        }
    }
}
