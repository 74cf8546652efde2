//! JobManager decides what is paid: it checks countersigned statements and tells its pool.
//! It holds no money.

#[starknet::contract]
pub mod JobManager {
    use core::num::traits::Zero;
    use crate::components::model_registry::ModelRegistryComponent::InternalTrait as ModelsInternal;
    use crate::components::model_registry::ModelRegistryComponent;
    use crate::components::worker_keys::WorkerKeysComponent::InternalTrait as WorkerKeysInternal;
    use crate::components::worker_keys::WorkerKeysComponent;
    use crate::hashes::receipts::STATEMENT_COUNT_MAX;
    use crate::hashes::signature::is_valid_signature;
    use crate::hashes::snip12::{domain_hash, message_hash, statement_hash};
    use crate::interfaces::job_manager::{ISettlement, IWorkers};
    use crate::interfaces::pool::{
        IPoolDispatcher, IPoolDispatcherTrait, IStakesDispatcher, IStakesDispatcherTrait
    };
    use crate::types::statement::{SignedStatement, Statement};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_caller_address, get_contract_address, get_tx_info};

    component!(path: ModelRegistryComponent, storage: model_registry, event: ModelRegistryEvent);
    component!(path: WorkerKeysComponent, storage: worker_keys, event: WorkerKeysEvent);

    #[abi(embed_v0)]
    impl ModelsImpl = ModelRegistryComponent::Models<ContractState>;

    /// The most statements in one call.
    ///
    /// A transaction may carry 5,000 felts of calldata and use 1.1e9 L2 gas. A statement is 8 felts
    /// and at most 2 M gas (measured: 1 M, and 1.8 M the first time, when all its slots are new),
    /// so 50 of them are 400 felts and 100 M gas: a tenth of either, which leaves room inside a
    /// batch.
    pub const STATEMENTS_PER_CALL_MAX: u32 = 50;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        model_registry: ModelRegistryComponent::Storage,
        #[substorage(v0)]
        worker_keys: WorkerKeysComponent::Storage,
        pool: ContractAddress,
        min_worker_stake: u128,
        /// By sponsor and worker: the replay guard.
        last_seqs: Map<(ContractAddress, ContractAddress), u128>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        ModelRegistryEvent: ModelRegistryComponent::Event,
        #[flat]
        WorkerKeysEvent: WorkerKeysComponent::Event,
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

    /// The statement moved nothing, for the `reason` that `Refusals` lists.
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
        pub const POOL_IS_ZERO: felt252 = 'pool is zero';
        pub const STAKE_TOO_LOW: felt252 = 'active stake too low';
        pub const NO_STATEMENTS: felt252 = 'no statements';
        pub const TOO_MANY_STATEMENTS: felt252 = 'too many statements';
    }

    /// Why a statement was refused, beside the pool's two reasons. In the order they are checked.
    pub mod Refusals {
        pub const BAD_COUNT: felt252 = 'bad_count';
        pub const ZERO_AMOUNT: felt252 = 'zero_amount';
        pub const WORKER_NOT_REGISTERED: felt252 = 'worker_not_registered';
        pub const STAKE_TOO_LOW: felt252 = 'stake_too_low';
        pub const WRONG_SEQ: felt252 = 'wrong_seq';
        pub const BAD_SIGNATURE: felt252 = 'bad_signature';
    }

    /// What is the same for every statement of one call.
    #[derive(Copy, Drop)]
    struct Call {
        operator: ContractAddress,
        domain: felt252,
        here: ContractAddress,
        pool: ContractAddress,
        min_worker_stake: u128,
    }

    /// Binds this contract to its pool, which deploys it.
    ///
    /// *Requirements*
    /// - `pool` and `registrar` are not zero.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        pool: ContractAddress,
        registrar: ContractAddress,
        min_worker_stake: u128
    ) {
        assert(pool.is_non_zero(), Errors::POOL_IS_ZERO);
        self.pool.write(pool);
        self.model_registry.initialize(registrar);
        self.min_worker_stake.write(min_worker_stake);
    }

    #[abi(embed_v0)]
    impl WorkersImpl of IWorkers<ContractState> {
        /// Makes `public_key` the key that signs for the caller, who is the worker. Rotation is the
        /// same call: statements need the current key, older ones stay attributable.
        ///
        /// *Requirements*
        /// - The caller's active stake is at least the minimum.
        /// - `public_key` is the x coordinate of a point on the Stark curve.
        ///
        /// *Emits* `WorkerRegistered`.
        fn register_worker(ref self: ContractState, public_key: felt252) {
            let worker = get_caller_address();
            let pool = IStakesDispatcher { contract_address: self.pool.read() };
            let enough = pool.active_stake_of(worker) >= self.min_worker_stake.read();
            assert(enough, Errors::STAKE_TOO_LOW);
            self.worker_keys.register(worker, public_key);
        }

        /// The worker's current key; zero when it never registered.
        fn worker_key(self: @ContractState, worker: ContractAddress) -> felt252 {
            self.worker_keys.key_of(worker)
        }

        /// When the worker first registered this key; zero when it never did.
        fn was_worker_key(
            self: @ContractState, worker: ContractAddress, public_key: felt252
        ) -> u64 {
            self.worker_keys.key_registered_at(worker, public_key)
        }

        /// The least active stake, in fri, of a worker that registers or is paid.
        fn min_worker_stake(self: @ContractState) -> u128 {
            self.min_worker_stake.read()
        }
    }

    #[abi(embed_v0)]
    impl SettlementImpl of ISettlement<ContractState> {
        /// Pays each statement from its sponsor's deposit, within the allowance that the sponsor
        /// gave to the caller. A bad statement is refused with an event and the others go on.
        ///
        /// *Requirements*
        /// - There are 1 to 50 statements.
        ///
        /// *Emits* `StatementSettled` or `StatementRefused` for each statement, in their order.
        fn settle(ref self: ContractState, statements: Array<SignedStatement>) {
            assert(!statements.is_empty(), Errors::NO_STATEMENTS);
            let count = statements.len();
            assert(count <= STATEMENTS_PER_CALL_MAX, Errors::TOO_MANY_STATEMENTS);
            let call = Call {
                operator: get_caller_address(),
                domain: domain_hash(get_tx_info().unbox().chain_id),
                here: get_contract_address(),
                pool: self.pool.read(),
                min_worker_stake: self.min_worker_stake.read(),
            };
            for signed in statements {
                let outcome = self.settle_one(call, signed);
                self.report(call.operator, signed.statement, outcome);
            };
        }

        /// The number of the last settled statement of this pair; the next one is one higher.
        fn last_seq(
            self: @ContractState, sponsor: ContractAddress, worker: ContractAddress
        ) -> u128 {
            self.last_seqs.read((sponsor, worker))
        }

        /// What the worker signs, on this chain and for this contract.
        fn statement_message_hash(self: @ContractState, statement: Statement) -> felt252 {
            let domain = domain_hash(get_tx_info().unbox().chain_id);
            let struct_hash = statement_hash(statement, get_contract_address());
            message_hash(domain, statement.worker, struct_hash)
        }

        /// The contract that holds the money.
        fn pool(self: @ContractState) -> ContractAddress {
            self.pool.read()
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        /// Checks one statement and pays it. The replay guard moves only with the money; it may
        /// be written after the call because the pool calls nobody while it pays.
        fn settle_one(
            ref self: ContractState, call: Call, signed: SignedStatement
        ) -> Result<(), felt252> {
            self.check(call, signed)?;
            let Statement { sponsor, worker, seq, amount, .. } = signed.statement;
            let pool = IPoolDispatcher { contract_address: call.pool };
            let refusal = pool.try_pay(sponsor, call.operator, worker, amount);
            if refusal != 0 {
                return Result::Err(refusal);
            }
            self.last_seqs.write((sponsor, worker), seq);
            Result::Ok(())
        }

        /// The checks, cheapest first; the signature costs the most and comes last.
        fn check(self: @ContractState, call: Call, signed: SignedStatement) -> Result<(), felt252> {
            let statement = signed.statement;
            let Statement { sponsor, worker, seq, count, amount, .. } = statement;
            if count == 0 || count > STATEMENT_COUNT_MAX.into() {
                return Result::Err(Refusals::BAD_COUNT);
            }
            if amount == 0 {
                return Result::Err(Refusals::ZERO_AMOUNT);
            }
            let key = self.worker_keys.key_of(worker);
            if key == 0 {
                return Result::Err(Refusals::WORKER_NOT_REGISTERED);
            }
            let stakes = IStakesDispatcher { contract_address: call.pool };
            if stakes.active_stake_of(worker) < call.min_worker_stake {
                return Result::Err(Refusals::STAKE_TOO_LOW);
            }
            // Subtracting from `seq` cannot overflow where adding to the stored number could.
            if seq == 0 || seq - 1 != self.last_seqs.read((sponsor, worker)) {
                return Result::Err(Refusals::WRONG_SEQ);
            }
            let message = message_hash(call.domain, worker, statement_hash(statement, call.here));
            if !is_valid_signature(message, key, signed.signature_r, signed.signature_s) {
                return Result::Err(Refusals::BAD_SIGNATURE);
            }
            Result::Ok(())
        }

        fn report(
            ref self: ContractState,
            operator: ContractAddress,
            statement: Statement,
            outcome: Result<(), felt252>
        ) {
            let Statement { sponsor, worker, seq, count, amount, receipts } = statement;
            match outcome {
                Result::Ok(()) => self
                    .emit(
                        StatementSettled { sponsor, worker, operator, seq, count, amount, receipts }
                    ),
                Result::Err(reason) => self
                    .emit(StatementRefused { sponsor, worker, operator, seq, reason }),
            }
        }
    }
}
