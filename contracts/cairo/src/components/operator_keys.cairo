//! The key with which an operator signs statements that somebody else sends, so that a worker can
//! settle alone when the operator is down or unwilling.
//!
//! A key and not the operator's account: checking it calls nobody, so a statement's check can
//! neither re-enter nor end the transaction of the others.

#[starknet::component]
pub mod OperatorKeysComponent {
    use crate::components::worker_keys::WorkerKeysComponent::assert_is_key;
    use crate::interfaces::job_manager::IOperators;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::{ContractAddress, get_caller_address};

    #[storage]
    pub struct Storage {
        operator_keys: Map<ContractAddress, felt252>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        OperatorRegistered: OperatorRegistered,
    }

    /// The operator signs statements with `public_key` from now on; with none when it is zero.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct OperatorRegistered {
        #[key]
        pub operator: ContractAddress,
        pub public_key: felt252,
    }

    #[embeddable_as(Operators)]
    pub impl OperatorsImpl<
        TContractState, +HasComponent<TContractState>
    > of IOperators<ComponentState<TContractState>> {
        /// Makes `public_key` the key that signs statements for the caller, who is the operator.
        /// Zero takes the key away, and with it the power of every statement signed by it, until
        /// the same key is registered again.
        ///
        /// *Requirements*
        /// - `public_key` is zero or the x coordinate of a point on the Stark curve.
        ///
        /// *Emits* `OperatorRegistered`.
        fn register_operator(ref self: ComponentState<TContractState>, public_key: felt252) {
            if public_key != 0 {
                assert_is_key(public_key);
            }
            let operator = get_caller_address();
            self.operator_keys.write(operator, public_key);
            self.emit(OperatorRegistered { operator, public_key });
        }

        /// The operator's key; zero when it has none.
        fn operator_key(
            self: @ComponentState<TContractState>, operator: ContractAddress
        ) -> felt252 {
            self.operator_keys.read(operator)
        }
    }
}
