//! Which models exist. A registration never changes, so a receipt's level means the same for ever.

#[starknet::component]
pub mod ModelRegistryComponent {
    use core::num::traits::Zero;
    use crate::components::roles::RolesComponent;
    use crate::components::roles::RolesComponent::InternalTrait as RolesInternal;
    use crate::interfaces::adjudicator::{IAdjudicatorDispatcher, IAdjudicatorDispatcherTrait};
    use crate::interfaces::job_manager::IModels;
    use crate::types::model::{
        LEVEL_RE_EXECUTABLE, LEVEL_SIGNED, Model, SCHEME_POSEIDON, SCHEME_SHA256
    };
    use crate::types::roles::Role;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry, StoragePointerReadAccess
    };
    use starknet::ContractAddress;

    #[storage]
    pub struct Storage {
        models: Map<felt252, Model>,
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
        pub adjudicator: ContractAddress,
        pub scheme: felt252,
        pub input_bytes_max: u32,
        pub min_price: u128,
        pub min_stake: u128,
        pub manifest_uri: ByteArray,
    }

    pub mod Errors {
        pub const ID_IS_ZERO: felt252 = 'model id is zero';
        pub const ALREADY_REGISTERED: felt252 = 'model already registered';
        pub const NOT_REGISTERED: felt252 = 'model not registered';
        pub const LEVEL_UNKNOWN: felt252 = 'level not accepted';
        pub const SCHEME_UNKNOWN: felt252 = 'scheme not known';
        pub const NO_ADJUDICATOR: felt252 = 'level 1 needs an adjudicator';
        pub const SURPLUS_ADJUDICATOR: felt252 = 'level 0 has no adjudicator';
        pub const SCHEME_NOT_ON_CHAIN: felt252 = 'level 1 needs poseidon';
        pub const INPUT_OVER_ADJUDICATOR: felt252 = 'input over the adjudicator';
        pub const INPUT_MAX_IS_ZERO: felt252 = 'input_bytes_max is zero';
        pub const PRICE_IS_ZERO: felt252 = 'min_price is zero';
    }

    #[embeddable_as(Models)]
    pub impl ModelsImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Roles: RolesComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IModels<ComponentState<TContractState>> {
        /// Registers a model for good. `model_id` is the content hash of the manifest at
        /// `manifest_uri`: whoever doubts it hashes the manifest.
        ///
        /// *Requirements*
        /// - The caller is the registrar.
        /// - `model_id` is not zero and not registered.
        /// - `level` is 0 (signed) or 1 (re-executable).
        /// - `scheme` is 'poseidon' or 'sha256'.
        /// - Level 1 comes with the 'poseidon' scheme and an adjudicator that can take inputs of
        ///   `input_bytes_max`; level 0 comes without one.
        /// - `input_bytes_max` and `min_price` are not zero.
        ///
        /// *Emits* `ModelRegistered`.
        fn register_model(
            ref self: ComponentState<TContractState>,
            model_id: felt252,
            level: u8,
            adjudicator: ContractAddress,
            scheme: felt252,
            input_bytes_max: u32,
            min_price: u128,
            min_stake: u128,
            manifest_uri: ByteArray
        ) {
            get_dep_component!(@self, Roles).assert_holder(Role::Registrar);
            assert(model_id != 0, Errors::ID_IS_ZERO);
            assert(!self.is_registered(model_id), Errors::ALREADY_REGISTERED);
            assert(level <= LEVEL_RE_EXECUTABLE, Errors::LEVEL_UNKNOWN);
            let known = scheme == SCHEME_POSEIDON || scheme == SCHEME_SHA256;
            assert(known, Errors::SCHEME_UNKNOWN);
            assert(input_bytes_max != 0, Errors::INPUT_MAX_IS_ZERO);
            assert(min_price != 0, Errors::PRICE_IS_ZERO);
            assert_recomputable_as_said(level, adjudicator, scheme, input_bytes_max);
            let uri = manifest_uri.clone();
            let model = Model {
                level, adjudicator, scheme, input_bytes_max, min_price, min_stake, manifest_uri: uri
            };
            self.models.write(model_id, model);
            let registered = ModelRegistered {
                model_id,
                level,
                adjudicator,
                scheme,
                input_bytes_max,
                min_price,
                min_stake,
                manifest_uri
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
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// The terms of a model that must be there.
        ///
        /// *Requirements*
        /// - The model is registered.
        fn registered(self: @ComponentState<TContractState>, model_id: felt252) -> Model {
            assert(self.is_registered(model_id), Errors::NOT_REGISTERED);
            self.models.read(model_id)
        }

        fn is_registered(self: @ComponentState<TContractState>, model_id: felt252) -> bool {
            self.models.entry(model_id).min_price.read() != 0
        }
    }

    /// A level is a promise about what a contract can do, so the registration shows that one can.
    fn assert_recomputable_as_said(
        level: u8, adjudicator: ContractAddress, scheme: felt252, input_bytes_max: u32
    ) {
        if level == LEVEL_SIGNED {
            assert(adjudicator.is_zero(), Errors::SURPLUS_ADJUDICATOR);
            return;
        }
        assert(adjudicator.is_non_zero(), Errors::NO_ADJUDICATOR);
        assert(scheme == SCHEME_POSEIDON, Errors::SCHEME_NOT_ON_CHAIN);
        let fits = IAdjudicatorDispatcher { contract_address: adjudicator }.input_bytes_max();
        assert(input_bytes_max <= fits, Errors::INPUT_OVER_ADJUDICATOR);
    }
}
