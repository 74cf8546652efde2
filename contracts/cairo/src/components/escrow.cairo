//! Money of on-chain jobs, from their posting until they are fulfilled or reclaimed.
//!
//! The sum is kept by poster: whatever the JobManager asks for, one poster's escrow never pays for
//! another's job.

#[starknet::component]
pub mod EscrowComponent {
    use starknet::ContractAddress;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};

    #[storage]
    pub struct Storage {
        escrows: Map<ContractAddress, u128>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {}

    pub mod Errors {
        pub const NOT_IN_ESCROW: felt252 = 'not in escrow';
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Books `amount` for the jobs of `poster`.
        fn add(ref self: ComponentState<TContractState>, poster: ContractAddress, amount: u128) {
            self.escrows.write(poster, self.escrows.read(poster) + amount);
        }

        /// Takes `amount` out again.
        ///
        /// *Requirements*
        /// - The poster has that much in escrow.
        fn remove(ref self: ComponentState<TContractState>, poster: ContractAddress, amount: u128) {
            let held = self.escrows.read(poster);
            assert(amount <= held, Errors::NOT_IN_ESCROW);
            self.escrows.write(poster, held - amount);
        }

        /// What all open jobs of `poster` hold together.
        fn held_of(self: @ComponentState<TContractState>, poster: ContractAddress) -> u128 {
            self.escrows.read(poster)
        }
    }
}
