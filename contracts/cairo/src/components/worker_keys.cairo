//! The key that signs for each worker, and every key that ever did: a rotation must not disown
//! what was signed before it.

#[starknet::component]
pub mod WorkerKeysComponent {
    use core::ec::EcPointTrait;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::{ContractAddress, get_block_timestamp};

    #[storage]
    pub struct Storage {
        worker_keys: Map<ContractAddress, felt252>,
        /// By worker and key: when it was first registered.
        keys_registered_at: Map<(ContractAddress, felt252), u64>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        WorkerRegistered: WorkerRegistered,
    }

    /// The worker signs with `public_key` from now on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct WorkerRegistered {
        #[key]
        pub worker: ContractAddress,
        pub public_key: felt252,
    }

    pub mod Errors {
        pub const NOT_A_KEY: felt252 = 'not a stark public key';
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Makes `public_key` the worker's current key.
        ///
        /// *Requirements*
        /// - `public_key` is the x coordinate of a point on the Stark curve; zero is not.
        ///
        /// *Emits* `WorkerRegistered`.
        fn register(
            ref self: ComponentState<TContractState>, worker: ContractAddress, public_key: felt252
        ) {
            assert(EcPointTrait::new_nz_from_x(public_key).is_some(), Errors::NOT_A_KEY);
            self.worker_keys.write(worker, public_key);
            if self.keys_registered_at.read((worker, public_key)) == 0 {
                self.keys_registered_at.write((worker, public_key), get_block_timestamp());
            }
            self.emit(WorkerRegistered { worker, public_key });
        }

        /// The worker's current key; zero when it has none.
        fn key_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> felt252 {
            self.worker_keys.read(worker)
        }

        /// When the worker first registered this key; zero when it never did.
        fn key_registered_at(
            self: @ComponentState<TContractState>, worker: ContractAddress, public_key: felt252
        ) -> u64 {
            self.keys_registered_at.read((worker, public_key))
        }
    }
}
