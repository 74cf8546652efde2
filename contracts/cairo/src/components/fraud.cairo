//! Slashing, for nothing but what a contract can decide by itself: two different outputs signed for
//! the same job and epoch, or an output that the model's adjudicator does not get.

#[starknet::component]
pub mod FraudComponent {
    use crate::components::binding::BindingComponent;
    use crate::components::binding::BindingComponent::InternalTrait as BindingInternal;
    use crate::components::binding::BindingComponent::domain;
    use crate::components::model_registry::ModelRegistryComponent;
    use crate::components::model_registry::ModelRegistryComponent::InternalTrait as ModelsInternal;
    use crate::components::worker_keys::WorkerKeysComponent;
    use crate::components::worker_keys::WorkerKeysComponent::Workers;
    use crate::hashes::commitment::commit;
    use crate::hashes::evidence::is_signed;
    use crate::interfaces::adjudicator::{IAdjudicatorDispatcher, IAdjudicatorDispatcherTrait};
    use crate::interfaces::job_manager::{IFraud, IWorkers};
    use crate::interfaces::pool::IPoolDispatcherTrait;
    use crate::types::evidence::Evidence;
    use crate::types::model::LEVEL_RE_EXECUTABLE;
    use starknet::{ContractAddress, get_caller_address, get_contract_address};

    #[storage]
    pub struct Storage {}

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        EquivocationShown: EquivocationShown,
        WrongOutputShown: WrongOutputShown,
    }

    /// The worker signed two outputs for one job and epoch. The pool's `Slashed` says what it cost.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct EquivocationShown {
        #[key]
        pub worker: ContractAddress,
        #[key]
        pub job: felt252,
        pub epoch: u128,
        pub first_output: felt252,
        pub second_output: felt252,
    }

    /// The worker signed `signed_output` where the model gives `right_output`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct WrongOutputShown {
        #[key]
        pub worker: ContractAddress,
        #[key]
        pub job: felt252,
        pub epoch: u128,
        pub signed_output: felt252,
        pub right_output: felt252,
    }

    pub mod Errors {
        pub const OTHER_CONTRACT: felt252 = 'attested for another contract';
        pub const NEVER_ITS_KEY: felt252 = 'never a key of the worker';
        pub const BAD_SIGNATURE: felt252 = 'bad signature';
        pub const OTHER_WORKER: felt252 = 'two different workers';
        pub const OTHER_JOB: felt252 = 'two different jobs';
        pub const OTHER_EPOCH: felt252 = 'two different epochs';
        pub const SAME_OUTPUT: felt252 = 'the outputs are the same';
        pub const NOT_RECOMPUTABLE: felt252 = 'model cannot be recomputed';
        pub const INPUT_TOO_LARGE: felt252 = 'input too large';
        pub const OTHER_INPUT: felt252 = 'not the attested input';
        pub const OUTPUT_IS_RIGHT: felt252 = 'the output is right';
    }

    #[embeddable_as(Fraud)]
    pub impl FraudImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Binding: BindingComponent::HasComponent<TContractState>,
        impl Models: ModelRegistryComponent::HasComponent<TContractState>,
        impl Keys: WorkerKeysComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IFraud<ComponentState<TContractState>> {
        /// Slashes a worker that signed two different outputs for the same job and epoch. Half of
        /// its stake goes to the caller.
        ///
        /// *Requirements*
        /// - Both attestations are for this contract, and signed by a key that was the worker's.
        /// - Worker, job and epoch are the same; the outputs differ.
        /// - The worker was never slashed.
        ///
        /// *Emits* `EquivocationShown`.
        fn slash_equivocation(
            ref self: ComponentState<TContractState>, first: Evidence, second: Evidence
        ) {
            let (one, other) = (first.attestation, second.attestation);
            assert(one.worker == other.worker, Errors::OTHER_WORKER);
            assert(one.job == other.job, Errors::OTHER_JOB);
            assert(one.epoch == other.epoch, Errors::OTHER_EPOCH);
            assert(one.output != other.output, Errors::SAME_OUTPUT);
            self.assert_holds(first);
            self.assert_holds(second);
            let shown = EquivocationShown {
                worker: one.worker,
                job: one.job,
                epoch: one.epoch,
                first_output: one.output,
                second_output: other.output
            };
            self.emit(shown);
            self.slash(one.worker);
        }

        /// Slashes a worker that signed an output which the model does not give for this input.
        /// Half of its stake goes to the caller. `witness` is what the model's adjudicator asks
        /// for.
        ///
        /// *Requirements*
        /// - The attestation is for this contract, and signed by a key that was the worker's.
        /// - The model is registered as re-executable.
        /// - `input` is the attested input, within the model's limit.
        /// - The adjudicator recomputes another output.
        /// - The worker was never slashed.
        ///
        /// *Emits* `WrongOutputShown`.
        fn adjudicate(
            ref self: ComponentState<TContractState>,
            evidence: Evidence,
            input: ByteArray,
            witness: Span<felt252>
        ) {
            let attestation = evidence.attestation;
            self.assert_holds(evidence);
            let terms = get_dep_component!(@self, Models).registered(attestation.model);
            assert(terms.level == LEVEL_RE_EXECUTABLE, Errors::NOT_RECOMPUTABLE);
            assert(input.len() <= terms.input_bytes_max, Errors::INPUT_TOO_LARGE);
            assert(commit(terms.scheme, @input) == attestation.input, Errors::OTHER_INPUT);
            let adjudicator = IAdjudicatorDispatcher { contract_address: terms.adjudicator };
            let right = adjudicator.recompute(attestation.model, input, witness);
            let right_output = commit(terms.scheme, @right);
            assert(right_output != attestation.output, Errors::OUTPUT_IS_RIGHT);
            let shown = WrongOutputShown {
                worker: attestation.worker,
                job: attestation.job,
                epoch: attestation.epoch,
                signed_output: attestation.output,
                right_output
            };
            self.emit(shown);
            self.slash(attestation.worker);
        }
    }

    #[generate_trait]
    impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Binding: BindingComponent::HasComponent<TContractState>,
        impl Models: ModelRegistryComponent::HasComponent<TContractState>,
        impl Keys: WorkerKeysComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        fn assert_holds(self: @ComponentState<TContractState>, evidence: Evidence) {
            let attestation = evidence.attestation;
            assert(attestation.contract == get_contract_address(), Errors::OTHER_CONTRACT);
            let keys = get_dep_component!(self, Keys);
            let since = keys.was_worker_key(attestation.worker, evidence.public_key);
            assert(since != 0, Errors::NEVER_ITS_KEY);
            assert(is_signed(evidence, domain()), Errors::BAD_SIGNATURE);
        }

        fn slash(ref self: ComponentState<TContractState>, worker: ContractAddress) {
            let money = get_dep_component!(@self, Binding).money();
            money.slash(worker, get_caller_address());
        }
    }
}
