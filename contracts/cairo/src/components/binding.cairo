//! The pool that this JobManager decides for, and the domain of what is signed for it.

#[starknet::component]
pub mod BindingComponent {
    use core::num::traits::Zero;
    use crate::hashes::snip12::domain_hash;
    use crate::interfaces::job_manager::IBinding;
    use crate::interfaces::pool::{IPoolDispatcher, IStakesDispatcher};
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{ContractAddress, get_tx_info};

    #[storage]
    pub struct Storage {
        pool: ContractAddress,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {}

    pub mod Errors {
        pub const POOL_IS_ZERO: felt252 = 'pool is zero';
    }

    #[embeddable_as(Binding)]
    pub impl BindingImpl<
        TContractState, +HasComponent<TContractState>
    > of IBinding<ComponentState<TContractState>> {
        /// The contract that holds the money and that deployed this one.
        fn pool(self: @ComponentState<TContractState>) -> ContractAddress {
            self.pool.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the pool. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - `pool` is not zero.
        fn initialize(ref self: ComponentState<TContractState>, pool: ContractAddress) {
            assert(pool.is_non_zero(), Errors::POOL_IS_ZERO);
            self.pool.write(pool);
        }

        fn money(self: @ComponentState<TContractState>) -> IPoolDispatcher {
            IPoolDispatcher { contract_address: self.pool.read() }
        }

        fn stakes(self: @ComponentState<TContractState>) -> IStakesDispatcher {
            IStakesDispatcher { contract_address: self.pool.read() }
        }
    }

    /// The SNIP-12 domain on this chain.
    pub fn domain() -> felt252 {
        domain_hash(get_tx_info().unbox().chain_id)
    }
}
