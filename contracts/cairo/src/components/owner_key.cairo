//! The owner's key, and how the next one takes over.

#[starknet::component]
pub mod OwnerKeyComponent {
    use core::ec::EcPointTrait;
    use crate::hashes::fleet::owner_key_hash;
    use crate::hashes::signature::is_valid_signature;
    use crate::hashes::snip12::{domain_hash, message_hash};
    use crate::interfaces::fleet_account::IOwnerKey;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{get_caller_address, get_contract_address, get_tx_info};

    #[storage]
    pub struct Storage {
        owner_key: felt252,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        OwnerKeyChanged: OwnerKeyChanged,
    }

    /// The key `to` signs for the owner from now on, and `from`, zero at the deployment, does not.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct OwnerKeyChanged {
        pub from: felt252,
        pub to: felt252,
    }

    pub mod Errors {
        pub const ONLY_OWNER: felt252 = 'only the owner, by the account';
        pub const NO_KEY: felt252 = 'not a key';
        pub const SAME_KEY: felt252 = 'key is the owner key already';
        pub const NOT_PROVED: felt252 = 'new key has not signed';
    }

    #[embeddable_as(OwnerKey)]
    pub impl OwnerKeyImpl<
        TContractState, +HasComponent<TContractState>
    > of IOwnerKey<ComponentState<TContractState>> {
        /// Puts `key` in the place of the owner's key. `signature` is `[r, s]` by the new key, over
        /// the change from the present key on this chain and account: a key that nobody has would
        /// lock the account for good.
        ///
        /// *Requirements*
        /// - The caller is the account itself.
        /// - `key` is another key, and has signed.
        ///
        /// *Emits* `OwnerKeyChanged`.
        fn rotate_owner_key(
            ref self: ComponentState<TContractState>, key: felt252, signature: Span<felt252>
        ) {
            assert_self();
            let from = self.owner_key.read();
            assert(key != from, Errors::SAME_KEY);
            let domain = domain_hash(get_tx_info().unbox().chain_id);
            let message = message_hash(domain, get_contract_address(), owner_key_hash(from, key));
            assert(is_signature_of(key, message, signature), Errors::NOT_PROVED);
            self.change(from, key);
        }

        /// The x coordinate of the key that signs for the owner.
        fn owner_key(self: @ComponentState<TContractState>) -> felt252 {
            self.owner_key.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// *Requirements*
        /// - There is a point of the Stark curve with the x coordinate `key`.
        fn initialize(ref self: ComponentState<TContractState>, key: felt252) {
            assert(key != 0 && EcPointTrait::new_nz_from_x(key).is_some(), Errors::NO_KEY);
            self.change(0, key);
        }

        /// Whether `signature` is `[r, s]` of `message` by the owner's key. Never panics.
        fn has_signed(
            self: @ComponentState<TContractState>, message: felt252, signature: Span<felt252>
        ) -> bool {
            is_signature_of(self.owner_key.read(), message, signature)
        }

        fn change(ref self: ComponentState<TContractState>, from: felt252, to: felt252) {
            self.owner_key.write(to);
            self.emit(OwnerKeyChanged { from, to });
        }
    }

    /// The account calls itself only where the owner has signed that call: a device may call
    /// nothing but the JobManager.
    ///
    /// *Requirements*
    /// - The caller is the account itself.
    pub fn assert_self() {
        assert(get_caller_address() == get_contract_address(), Errors::ONLY_OWNER);
    }

    fn is_signature_of(key: felt252, message: felt252, signature: Span<felt252>) -> bool {
        signature.len() == 2 && is_valid_signature(message, key, *signature[0], *signature[1])
    }
}
