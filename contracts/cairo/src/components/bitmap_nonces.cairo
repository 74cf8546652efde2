//! Which nonces are used: 128 of them in a storage slot, since a new slot is what costs most of a
//! nonce.

#[starknet::component]
pub mod BitmapNoncesComponent {
    use crate::interfaces::fleet_account::INonces;
    use crate::types::fleet_nonce::{NonceBit, WORDS_PER_DEVICE, bit};
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};

    #[storage]
    pub struct Storage {
        /// By `nonce / 128`: a bit for each nonce that is used.
        used: Map<felt252, u128>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {}

    pub mod Errors {
        pub const NONCE_USED: felt252 = 'nonce is used';
        pub const NO_SUCH_WORD: felt252 = 'no such word of nonces';
    }

    #[embeddable_as(Nonces)]
    pub impl NoncesImpl<
        TContractState, +HasComponent<TContractState>
    > of INonces<ComponentState<TContractState>> {
        /// Whether `nonce` is not used yet. It does not say who may use it.
        fn is_valid_outside_execution_nonce(
            self: @ComponentState<TContractState>, nonce: felt252
        ) -> bool {
            let NonceBit { word, mask } = bit(nonce);
            self.used.read(word) & mask == 0
        }

        /// The used ones of the nonces `index * 2^64 + word * 128` and 127 more, from the lowest
        /// bit up. A device's `index` is its place in the tree.
        ///
        /// *Requirements*
        /// - `word` is below 2^57.
        fn used_nonces(self: @ComponentState<TContractState>, index: felt252, word: u64) -> u128 {
            assert(word < WORDS_PER_DEVICE, Errors::NO_SUCH_WORD);
            self.used.read(index * WORDS_PER_DEVICE.into() + word.into())
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// *Requirements*
        /// - `nonce` is not used yet.
        fn use_up(ref self: ComponentState<TContractState>, nonce: felt252) {
            let NonceBit { word, mask } = bit(nonce);
            let used = self.used.read(word);
            assert(used & mask == 0, Errors::NONCE_USED);
            self.used.write(word, used | mask);
        }
    }
}
