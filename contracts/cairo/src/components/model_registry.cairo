//! Which models exist. A registration never changes, so a receipt's level means the same for ever.

#[starknet::component]
pub mod ModelRegistryComponent {
    use core::num::traits::Zero;
    use crate::interfaces::job_manager::IModels;
    use crate::types::model::{LEVEL_RE_EXECUTABLE, Model, SCHEME_POSEIDON, SCHEME_SHA256};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry,
        StoragePointerReadAccess, StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_caller_address};

    #[storage]
    pub struct Storage {
        models: Map<felt252, Model>,
        registrar: ContractAddress,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        ModelRegistered: ModelRegistered,
    }

    /// A model exists from now on, with these terms.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct ModelRegistered {
        #[key]
        pub model_id: felt252,
        pub level: u8,
        pub scheme: felt252,
        pub input_bytes_max: u32,
        pub min_price: u128,
        pub min_stake: u128,
        pub manifest_uri: ByteArray,
    }

    pub mod Errors {
        pub const REGISTRAR_IS_ZERO: felt252 = 'registrar is zero';
        pub const ONLY_REGISTRAR: felt252 = 'only the registrar';
        pub const ID_IS_ZERO: felt252 = 'model id is zero';
        pub const ALREADY_REGISTERED: felt252 = 'model already registered';
        pub const LEVEL_UNKNOWN: felt252 = 'level not accepted';
        pub const SCHEME_UNKNOWN: felt252 = 'scheme not known';
        pub const INPUT_MAX_IS_ZERO: felt252 = 'input_bytes_max is zero';
        pub const PRICE_IS_ZERO: felt252 = 'min_price is zero';
    }

    #[embeddable_as(Models)]
    pub impl ModelsImpl<
        TContractState, +HasComponent<TContractState>
    > of IModels<ComponentState<TContractState>> {
        /// Registers a model for good. `model_id` is the content hash of the manifest at
        /// `manifest_uri`: whoever doubts it hashes the manifest.
        ///
        /// *Requirements*
        /// - The caller is the registrar.
        /// - `model_id` is not zero and not registered.
        /// - `level` is 0 (signed) or 1 (re-executable).
        /// - `scheme` is 'poseidon' or 'sha256'.
        /// - `input_bytes_max` and `min_price` are not zero.
        ///
        /// *Emits* `ModelRegistered`.
        fn register_model(
            ref self: ComponentState<TContractState>,
            model_id: felt252,
            level: u8,
            scheme: felt252,
            input_bytes_max: u32,
            min_price: u128,
            min_stake: u128,
            manifest_uri: ByteArray
        ) {
            assert(get_caller_address() == self.registrar.read(), Errors::ONLY_REGISTRAR);
            assert(model_id != 0, Errors::ID_IS_ZERO);
            assert(!self.is_registered(model_id), Errors::ALREADY_REGISTERED);
            assert(level <= LEVEL_RE_EXECUTABLE, Errors::LEVEL_UNKNOWN);
            let known = scheme == SCHEME_POSEIDON || scheme == SCHEME_SHA256;
            assert(known, Errors::SCHEME_UNKNOWN);
            assert(input_bytes_max != 0, Errors::INPUT_MAX_IS_ZERO);
            assert(min_price != 0, Errors::PRICE_IS_ZERO);
            let uri = manifest_uri.clone();
            let model = Model {
                level, scheme, input_bytes_max, min_price, min_stake, manifest_uri: uri
            };
            self.models.write(model_id, model);
            let registered = ModelRegistered {
                model_id, level, scheme, input_bytes_max, min_price, min_stake, manifest_uri
            };
            self.emit(registered);
        }

        /// The terms of a model, or nothing when it is not registered.
        fn model(self: @ComponentState<TContractState>, model_id: felt252) -> Option<Model> {
            if self.is_registered(model_id) {
                Option::Some(self.models.read(model_id))
            } else {
                Option::None
            }
        }

        /// The only address that may register models. It has no other power.
        fn registrar(self: @ComponentState<TContractState>) -> ContractAddress {
            self.registrar.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the registrar. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - `registrar` is not zero.
        fn initialize(ref self: ComponentState<TContractState>, registrar: ContractAddress) {
            assert(registrar.is_non_zero(), Errors::REGISTRAR_IS_ZERO);
            self.registrar.write(registrar);
        }

        fn is_registered(self: @ComponentState<TContractState>, model_id: felt252) -> bool {
            self.models.entry(model_id).min_price.read() != 0
        }
    }
}
