//! JobManager decides what is paid and who is slashed: it checks statements and evidence and tells
//! its pool. It holds no money.

#[starknet::contract]
pub mod JobManager {
    use crate::components::binding::BindingComponent::InternalTrait as BindingInternal;
    use crate::components::binding::BindingComponent::domain;
    use crate::components::binding::BindingComponent;
    use crate::components::credits::CreditsComponent::InternalTrait as CreditsInternal;
    use crate::components::credits::CreditsComponent;
    use crate::components::fraud::FraudComponent;
    use crate::components::model_registry::ModelRegistryComponent;
    use crate::components::onchain_jobs::OnchainJobsComponent;
    use crate::components::operator_keys::OperatorKeysComponent;
    use crate::components::pause::PauseComponent::InternalTrait as PauseInternal;
    use crate::components::pause::PauseComponent;
    use crate::components::roles::RolesComponent::InternalTrait as RolesInternal;
    use crate::components::roles::RolesComponent;
    use crate::components::worker_keys::WorkerKeysComponent::InternalTrait as WorkerKeysInternal;
    use crate::components::worker_keys::WorkerKeysComponent;
    use crate::hashes::receipts::STATEMENT_COUNT_MAX;
    use crate::hashes::signature::is_valid_signature;
    use crate::hashes::snip12::{message_hash, statement_hash};
    use crate::interfaces::job_manager::ISettlement;
    use crate::interfaces::pool::IPoolDispatcherTrait;
    use crate::types::parameters::ManagerParameters;
    use crate::types::payment::Payment;
    use crate::types::statement::{OperatorSignedStatement, SignedStatement, Statement};
    use starknet::{ContractAddress, get_caller_address, get_contract_address};

    component!(path: BindingComponent, storage: binding, event: BindingEvent);
    component!(path: RolesComponent, storage: roles, event: RolesEvent);
    component!(path: PauseComponent, storage: pause, event: PauseEvent);
    component!(path: ModelRegistryComponent, storage: model_registry, event: ModelRegistryEvent);
    component!(path: WorkerKeysComponent, storage: worker_keys, event: WorkerKeysEvent);
    component!(path: OperatorKeysComponent, storage: operator_keys, event: OperatorKeysEvent);
    component!(path: OnchainJobsComponent, storage: onchain_jobs, event: OnchainJobsEvent);
    component!(path: FraudComponent, storage: fraud, event: FraudEvent);
    component!(path: CreditsComponent, storage: credits, event: CreditsEvent);

    #[abi(embed_v0)]
    impl BindingImpl = BindingComponent::Binding<ContractState>;
    #[abi(embed_v0)]
    impl RolesImpl = RolesComponent::Roles<ContractState>;
    #[abi(embed_v0)]
    impl PauseImpl = PauseComponent::Pause<ContractState>;
    #[abi(embed_v0)]
    impl ModelsImpl = ModelRegistryComponent::Models<ContractState>;
    #[abi(embed_v0)]
    impl WorkersImpl = WorkerKeysComponent::Workers<ContractState>;
    #[abi(embed_v0)]
    impl OperatorsImpl = OperatorKeysComponent::Operators<ContractState>;
    #[abi(embed_v0)]
    impl OnchainJobsImpl = OnchainJobsComponent::OnchainJobs<ContractState>;
    #[abi(embed_v0)]
    impl FraudImpl = FraudComponent::Fraud<ContractState>;
    #[abi(embed_v0)]
    impl CreditsImpl = CreditsComponent::Credits<ContractState>;

    /// The most statements in one call.
    ///
    /// A transaction may carry 5,000 felts of calldata and use 1.1e9 L2 gas. A statement is 10
    /// felts at most, so 50 of them are a tenth of the calldata; at 3 M gas each, the dearest that
    /// was seen when all slots are new, they are a seventh of the gas.
    pub const STATEMENTS_PER_CALL_MAX: u32 = 50;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        binding: BindingComponent::Storage,
        #[substorage(v0)]
        roles: RolesComponent::Storage,
        #[substorage(v0)]
        pause: PauseComponent::Storage,
        #[substorage(v0)]
        model_registry: ModelRegistryComponent::Storage,
        #[substorage(v0)]
        worker_keys: WorkerKeysComponent::Storage,
        #[substorage(v0)]
        operator_keys: OperatorKeysComponent::Storage,
        #[substorage(v0)]
        onchain_jobs: OnchainJobsComponent::Storage,
        #[substorage(v0)]
        fraud: FraudComponent::Storage,
        #[substorage(v0)]
        credits: CreditsComponent::Storage,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        BindingEvent: BindingComponent::Event,
        #[flat]
        RolesEvent: RolesComponent::Event,
        #[flat]
        PauseEvent: PauseComponent::Event,
        #[flat]
        ModelRegistryEvent: ModelRegistryComponent::Event,
        #[flat]
        WorkerKeysEvent: WorkerKeysComponent::Event,
        #[flat]
        OperatorKeysEvent: OperatorKeysComponent::Event,
        #[flat]
        OnchainJobsEvent: OnchainJobsComponent::Event,
        #[flat]
        FraudEvent: FraudComponent::Event,
        #[flat]
        CreditsEvent: CreditsComponent::Event,
        StatementSettled: StatementSettled,
        StatementRefused: StatementRefused,
    }

    /// `amount` went from the sponsor's deposit to the worker's pending pay, for the results under
    /// the root `receipts`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct StatementSettled {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub worker: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub seq: u128,
        pub count: u128,
        pub amount: u128,
        pub receipts: felt252,
    }

    /// The statement moved nothing, for the `reason` that `Refusals` or the pool lists.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct StatementRefused {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub worker: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub seq: u128,
        pub reason: felt252,
    }

    pub mod Errors {
        pub const NO_STATEMENTS: felt252 = 'no statements';
        pub const TOO_MANY_STATEMENTS: felt252 = 'too many statements';
        pub const OPERATOR_NOT_REGISTERED: felt252 = 'operator not registered';
    }

    /// Why a statement was refused, beside the pool's reasons. In the order they are checked, the
    /// first only by `settle_for`; the pool's come after them.
    pub mod Refusals {
        pub const BAD_OPERATOR_SIGNATURE: felt252 = 'bad_operator_signature';
        pub const BAD_COUNT: felt252 = 'bad_count';
        pub const ZERO_AMOUNT: felt252 = 'zero_amount';
        pub const WORKER_NOT_REGISTERED: felt252 = 'worker_not_registered';
        pub const BAD_SIGNATURE: felt252 = 'bad_signature';
    }

    /// Binds this contract to its pool, which deploys it.
    ///
    /// *Requirements*
    /// - `pool`, `registrar`, `guardian`, `min_worker_stake` and `credits_class` are not zero.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        pool: ContractAddress,
        parameters: ManagerParameters,
        challenge_window_s: u64,
        withdrawal_notice_s: u64
    ) {
        let ManagerParameters { registrar,
        guardian,
        min_worker_stake,
        credits_class,
        credits_cap } =
            parameters;
        self.binding.initialize(pool);
        self.roles.initialize(registrar, guardian, withdrawal_notice_s);
        self.pause.initialize(challenge_window_s);
        self.worker_keys.initialize(min_worker_stake);
        self.credits.initialize(credits_class, credits_cap);
    }

    #[abi(embed_v0)]
    impl SettlementImpl of ISettlement<ContractState> {
        /// Pays each statement from its sponsor's deposit, within the allowance that the sponsor
        /// gave to the caller. A bad statement is refused with an event and the others go on.
        ///
        /// *Requirements*
        /// - No pause is running.
        /// - There are 1 to 50 statements.
        ///
        /// *Emits* `StatementSettled` or `StatementRefused` for each statement, in their order.
        fn settle(ref self: ContractState, statements: Array<SignedStatement>) {
            self.assert_settles(statements.len());
            let (domain, operator) = (domain(), get_caller_address());
            let mut checked = array![];
            for signed in statements {
                checked.append((signed.statement, self.check(domain, operator, signed)));
            };
            self.pay(operator, checked.span());
        }

        /// Pays statements as `settle` does, within the allowance of `operator`, which has signed
        /// each of them. Anyone may call: a worker needs nobody's help to be paid.
        ///
        /// *Requirements*
        /// - No pause is running.
        /// - There are 1 to 50 statements.
        /// - The operator has registered a key.
        ///
        /// *Emits* `StatementSettled` or `StatementRefused` for each statement, in their order.
        fn settle_for(
            ref self: ContractState,
            operator: ContractAddress,
            statements: Array<OperatorSignedStatement>
        ) {
            self.assert_settles(statements.len());
            let key = self.operator_keys.operator_key(operator);
            assert(key != 0, Errors::OPERATOR_NOT_REGISTERED);
            let domain = domain();
            let mut checked = array![];
            for OperatorSignedStatement { signed,
            operator_r,
            operator_s } in statements {
                let message = statement_message(domain, signed.statement, operator, operator);
                let outcome = if is_valid_signature(message, key, operator_r, operator_s) {
                    self.check(domain, operator, signed)
                } else {
                    Refusals::BAD_OPERATOR_SIGNATURE
                };
                checked.append((signed.statement, outcome));
            };
            self.pay(operator, checked.span());
        }

        /// What `signer`, the statement's worker or `operator` itself, signs on this chain for this
        /// contract, so that the statement settles through `operator`.
        fn statement_message_hash(
            self: @ContractState,
            statement: Statement,
            operator: ContractAddress,
            signer: ContractAddress
        ) -> felt252 {
            statement_message(domain(), statement, operator, signer)
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        fn assert_settles(self: @ContractState, count: u32) {
            self.pause.assert_not_paused();
            assert(count != 0, Errors::NO_STATEMENTS);
            assert(count <= STATEMENTS_PER_CALL_MAX, Errors::TOO_MANY_STATEMENTS);
        }

        /// What can be seen without the pool's state, cheapest first. Zero, or why to refuse.
        fn check(
            self: @ContractState,
            domain: felt252,
            operator: ContractAddress,
            signed: SignedStatement
        ) -> felt252 {
            let statement = signed.statement;
            if statement.count == 0 || statement.count > STATEMENT_COUNT_MAX.into() {
                return Refusals::BAD_COUNT;
            }
            if statement.amount == 0 {
                return Refusals::ZERO_AMOUNT;
            }
            let key = self.worker_keys.worker_key(statement.worker);
            if key == 0 {
                return Refusals::WORKER_NOT_REGISTERED;
            }
            let message = statement_message(domain, statement, operator, statement.worker);
            if !is_valid_signature(message, key, signed.signature_r, signed.signature_s) {
                return Refusals::BAD_SIGNATURE;
            }
            0
        }

        /// Has the pool pay what passed the checks, in one call, and reports on all.
        fn pay(
            ref self: ContractState, operator: ContractAddress, checked: Span<(Statement, felt252)>
        ) {
            let mut payments = array![];
            for (
                statement, refusal
            ) in checked {
                if *refusal == 0 {
                    let Statement { sponsor, worker, seq, amount, .. } = *statement;
                    payments.append(Payment { sponsor, worker, seq, amount });
                }
            };
            let min_stake = self.worker_keys.min_worker_stake();
            let mut outcomes = self.binding.money().pay(operator, min_stake, payments.span());
            for (
                statement, refusal
            ) in checked {
                let reason = if *refusal == 0 {
                    *outcomes.pop_front().unwrap()
                } else {
                    *refusal
                };
                self.report(operator, *statement, reason);
            }
        }

        fn report(
            ref self: ContractState,
            operator: ContractAddress,
            statement: Statement,
            reason: felt252
        ) {
            let Statement { sponsor, worker, seq, count, amount, receipts } = statement;
            if reason == 0 {
                self
                    .emit(
                        StatementSettled { sponsor, worker, operator, seq, count, amount, receipts }
                    );
            } else {
                self.emit(StatementRefused { sponsor, worker, operator, seq, reason });
            }
        }
    }

    fn statement_message(
        domain: felt252, statement: Statement, operator: ContractAddress, signer: ContractAddress
    ) -> felt252 {
        message_hash(domain, signer, statement_hash(statement, operator, get_contract_address()))
    }
}
