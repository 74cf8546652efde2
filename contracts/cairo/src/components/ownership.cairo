//! Who owns the Forwarder, and how the owner hands it on.
//!
//! A handover shows on chain for the notice before it counts, so whoever doubts the successor can
//! leave first.

#[starknet::component]
pub mod OwnershipComponent {
    use core::num::traits::Zero;
    use crate::interfaces::forwarder::IOwnership;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    /// One year. A notice is no longer, so that adding it to a timestamp cannot overflow.
    pub const NOTICE_MAX_S: u64 = 365 * 24 * 60 * 60;

    #[storage]
    pub struct Storage {
        owner: ContractAddress,
        successor: ContractAddress,
        /// When the successor may accept.
        acceptable_at: u64,
        notice_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        OwnerProposed: OwnerProposed,
        OwnerChanged: OwnerChanged,
    }

    /// `to` may take the ownership over from `ready_at` on; zero and zero when a proposal was
    /// withdrawn.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct OwnerProposed {
        pub to: ContractAddress,
        pub ready_at: u64,
    }

    /// `owner` is the owner from now on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct OwnerChanged {
        pub owner: ContractAddress,
    }

    pub mod Errors {
        pub const OWNER_IS_ZERO: felt252 = 'owner is zero';
        pub const NOTICE_IS_ZERO: felt252 = 'notice is zero';
        pub const NOTICE_TOO_LONG: felt252 = 'notice over one year';
        pub const ONLY_OWNER: felt252 = 'only the owner';
        pub const ONLY_SUCCESSOR: felt252 = 'only the proposed owner';
        pub const TIMELOCKED: felt252 = 'handover is still timelocked';
    }

    #[embeddable_as(Ownership)]
    pub impl OwnershipImpl<
        TContractState, +HasComponent<TContractState>
    > of IOwnership<ComponentState<TContractState>> {
        /// Offers the ownership to `to`, who may accept it once the notice is over. It replaces an
        /// earlier proposal and restarts the notice; the zero address withdraws it.
        ///
        /// *Requirements*
        /// - The caller is the owner.
        ///
        /// *Emits* `OwnerProposed`.
        fn propose_owner(ref self: ComponentState<TContractState>, to: ContractAddress) {
            self.assert_owner();
            let ready_at = if to.is_zero() {
                0
            } else {
                self.after_notice()
            };
            self.successor.write(to);
            self.acceptable_at.write(ready_at);
            self.emit(OwnerProposed { to, ready_at });
        }

        /// Makes the caller the owner, to whom the ownership was offered.
        ///
        /// *Requirements*
        /// - The ownership was offered to the caller, and the notice is over.
        ///
        /// *Emits* `OwnerChanged`.
        fn accept_ownership(ref self: ComponentState<TContractState>) {
            let owner = get_caller_address();
            let offered = self.successor.read();
            assert(offered.is_non_zero() && owner == offered, Errors::ONLY_SUCCESSOR);
            assert(get_block_timestamp() >= self.acceptable_at.read(), Errors::TIMELOCKED);
            self.successor.write(Zero::zero());
            self.acceptable_at.write(0);
            self.owner.write(owner);
            self.emit(OwnerChanged { owner });
        }

        fn owner(self: @ComponentState<TContractState>) -> ContractAddress {
            self.owner.read()
        }

        /// To whom the ownership is offered and when it may be accepted; zeroes when it is not.
        fn proposed_owner(self: @ComponentState<TContractState>) -> (ContractAddress, u64) {
            (self.successor.read(), self.acceptable_at.read())
        }

        /// In seconds: how long what the owner grants shows on chain before it counts.
        fn notice_s(self: @ComponentState<TContractState>) -> u64 {
            self.notice_s.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the first owner and the notice. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - `owner` is not zero.
        /// - `notice_s` is not zero and at most a year.
        fn initialize(
            ref self: ComponentState<TContractState>, owner: ContractAddress, notice_s: u64
        ) {
            assert(owner.is_non_zero(), Errors::OWNER_IS_ZERO);
            assert(notice_s != 0, Errors::NOTICE_IS_ZERO);
            assert(notice_s <= NOTICE_MAX_S, Errors::NOTICE_TOO_LONG);
            self.owner.write(owner);
            self.notice_s.write(notice_s);
        }

        /// *Requirements*
        /// - The caller is the owner.
        fn assert_owner(self: @ComponentState<TContractState>) {
            assert(get_caller_address() == self.owner.read(), Errors::ONLY_OWNER);
        }

        /// When the notice of what is granted now is over.
        fn after_notice(self: @ComponentState<TContractState>) -> u64 {
            get_block_timestamp() + self.notice_s.read()
        }
    }
}
