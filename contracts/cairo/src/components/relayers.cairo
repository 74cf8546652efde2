//! Who may send operations. A relayer comes with notice and goes at once.

#[starknet::component]
pub mod RelayersComponent {
    use core::num::traits::Zero;
    use crate::components::ownership::OwnershipComponent;
    use crate::components::ownership::OwnershipComponent::InternalTrait as OwnershipInternal;
    use crate::interfaces::forwarder::IRelayers;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        /// From when on each may relay; zero for who may not.
        from: Map<ContractAddress, u64>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        RelayerAdded: RelayerAdded,
        RelayerRemoved: RelayerRemoved,
    }

    /// `relayer` may relay from `from` on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct RelayerAdded {
        #[key]
        pub relayer: ContractAddress,
        pub from: u64,
    }

    /// `relayer` may not relay any more.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct RelayerRemoved {
        #[key]
        pub relayer: ContractAddress,
    }

    pub mod Errors {
        pub const RELAYER_IS_ZERO: felt252 = 'relayer is zero';
        pub const ALREADY_ADDED: felt252 = 'relayer is already added';
        pub const NOT_ADDED: felt252 = 'relayer was not added';
        pub const ONLY_RELAYER: felt252 = 'only a relayer';
    }

    #[embeddable_as(Relayers)]
    pub impl RelayersImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Ownership: OwnershipComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IRelayers<ComponentState<TContractState>> {
        /// Lets `relayer` relay once the notice is over.
        ///
        /// *Requirements*
        /// - The caller is the owner.
        /// - `relayer` is not zero and was not added before.
        ///
        /// *Emits* `RelayerAdded`.
        fn add_relayer(ref self: ComponentState<TContractState>, relayer: ContractAddress) {
            let ownership = get_dep_component!(@self, Ownership);
            ownership.assert_owner();
            self.add(relayer, ownership.after_notice());
        }

        /// Ends `relayer`'s right at once, or before it began.
        ///
        /// *Requirements*
        /// - The caller is the owner.
        /// - `relayer` was added.
        ///
        /// *Emits* `RelayerRemoved`.
        fn remove_relayer(ref self: ComponentState<TContractState>, relayer: ContractAddress) {
            get_dep_component!(@self, Ownership).assert_owner();
            assert(self.from.read(relayer) != 0, Errors::NOT_ADDED);
            self.from.write(relayer, 0);
            self.emit(RelayerRemoved { relayer });
        }

        /// From when on `relayer` may relay, in seconds since 1970; zero when it may not.
        fn relays_from(self: @ComponentState<TContractState>, relayer: ContractAddress) -> u64 {
            self.from.read(relayer)
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// The first relayers, who need no notice. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - None is zero or named twice.
        fn initialize(ref self: ComponentState<TContractState>, relayers: Span<ContractAddress>) {
            let now = get_block_timestamp();
            for relayer in relayers {
                self.add(*relayer, now);
            };
        }

        fn add(ref self: ComponentState<TContractState>, relayer: ContractAddress, from: u64) {
            assert(relayer.is_non_zero(), Errors::RELAYER_IS_ZERO);
            assert(self.from.read(relayer) == 0, Errors::ALREADY_ADDED);
            self.from.write(relayer, from);
            self.emit(RelayerAdded { relayer, from });
        }

        /// *Requirements*
        /// - The caller may relay now.
        fn assert_relayer(self: @ComponentState<TContractState>) {
            let from = self.from.read(get_caller_address());
            assert(from != 0 && from <= get_block_timestamp(), Errors::ONLY_RELAYER);
        }
    }
}
