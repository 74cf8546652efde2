//! The key that signs for each worker, and every key that ever did: a rotation must not disown
//! what was signed before it.

#[starknet::component]
pub mod WorkerKeysComponent {
    use core::ec::EcPointTrait;
    use crate::components::binding::BindingComponent;
    use crate::components::binding::BindingComponent::InternalTrait as BindingInternal;
    use crate::interfaces::job_manager::IWorkers;
    use crate::interfaces::pool::IStakesDispatcherTrait;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        worker_keys: Map<ContractAddress, felt252>,
        /// By worker and key: when it was first registered.
        keys_registered_at: Map<(ContractAddress, felt252), u64>,
        min_worker_stake: u128,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        WorkerRegistered: WorkerRegistered,
        WorkerDeregistered: WorkerDeregistered,
    }

    /// The worker signs with `public_key` from now on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct WorkerRegistered {
        #[key]
        pub worker: ContractAddress,
        pub public_key: felt252,
    }

    /// No key signs for the worker any more. Its old keys stay attributable.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct WorkerDeregistered {
        #[key]
        pub worker: ContractAddress,
    }

    pub mod Errors {
        pub const NOT_A_KEY: felt252 = 'not a stark public key';
        pub const MIN_STAKE_IS_ZERO: felt252 = 'min worker stake is zero';
        pub const STAKE_TOO_LOW: felt252 = 'active stake too low';
        pub const NOT_REGISTERED: felt252 = 'worker not registered';
        pub const STILL_EXPOSED: felt252 = 'pay is still challengeable';
    }

    #[embeddable_as(Workers)]
    pub impl WorkersImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Binding: BindingComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IWorkers<ComponentState<TContractState>> {
        /// Makes `public_key` the key that signs for the caller, who is the worker. Rotation is the
        /// same call: statements need the current key, older ones stay attributable.
        ///
        /// *Requirements*
        /// - The caller's active stake is at least the minimum. (A slashed worker has none, for
        ///   good.)
        /// - `public_key` is the x coordinate of a point on the Stark curve; zero is not.
        ///
        /// *Emits* `WorkerRegistered`.
        fn register_worker(ref self: ComponentState<TContractState>, public_key: felt252) {
            let worker = get_caller_address();
            let stakes = get_dep_component!(@self, Binding).stakes();
            let enough = stakes.active_stake_of(worker) >= self.min_worker_stake.read();
            assert(enough, Errors::STAKE_TOO_LOW);
            assert_is_key(public_key);
            self.worker_keys.write(worker, public_key);
            if self.keys_registered_at.read((worker, public_key)) == 0 {
                self.keys_registered_at.write((worker, public_key), get_block_timestamp());
            }
            self.emit(WorkerRegistered { worker, public_key });
        }

        /// Takes the caller's key away: nothing is paid to it until it registers again.
        ///
        /// *Requirements*
        /// - The caller is registered.
        /// - All of its pay has left the challenge window: nobody leaves while it can be
        /// challenged.
        ///
        /// *Emits* `WorkerDeregistered`.
        fn deregister_worker(ref self: ComponentState<TContractState>) {
            let worker = get_caller_address();
            assert(self.worker_keys.read(worker) != 0, Errors::NOT_REGISTERED);
            let exposed_until = get_dep_component!(@self, Binding).stakes().exposed_until(worker);
            assert(get_block_timestamp() >= exposed_until, Errors::STILL_EXPOSED);
            self.worker_keys.write(worker, 0);
            self.emit(WorkerDeregistered { worker });
        }

        /// The worker's current key; zero when it has none.
        fn worker_key(self: @ComponentState<TContractState>, worker: ContractAddress) -> felt252 {
            self.worker_keys.read(worker)
        }

        /// When the worker first registered this key; zero when it never did.
        fn was_worker_key(
            self: @ComponentState<TContractState>, worker: ContractAddress, public_key: felt252
        ) -> u64 {
            self.keys_registered_at.read((worker, public_key))
        }

        /// The least active stake, in fri, of a worker that registers or is paid.
        fn min_worker_stake(self: @ComponentState<TContractState>) -> u128 {
            self.min_worker_stake.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the minimum stake. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - `min_worker_stake` is not zero: a worker that announced its whole stake away could
        ///   otherwise still be paid.
        fn initialize(ref self: ComponentState<TContractState>, min_worker_stake: u128) {
            assert(min_worker_stake != 0, Errors::MIN_STAKE_IS_ZERO);
            self.min_worker_stake.write(min_worker_stake);
        }
    }

    /// *Requirements*
    /// - `public_key` is the x coordinate of a point on the Stark curve; zero is not.
    pub fn assert_is_key(public_key: felt252) {
        assert(EcPointTrait::new_nz_from_x(public_key).is_some(), Errors::NOT_A_KEY);
    }
}
