//! Pay that waits out the challenge window, in three storage slots per worker however many
//! payments.
//!
//! Time is cut in buckets of one window. Pay of bucket `b` is mature when bucket `b + 2` begins, so
//! every payment waits at least one full window and less than two. Only two buckets can therefore
//! be locked at a time, and a ring of two slots holds them.

#[starknet::component]
pub mod PendingPayComponent {
    use crate::components::vault::VaultComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::interfaces::pool::IPendingPay;
    use crate::types::pay_slot::{PaySlot, PaySlotTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp};

    #[storage]
    pub struct Storage {
        /// By worker and bucket modulo two.
        pay_slots: Map<(ContractAddress, u8), PaySlot>,
        /// Mature pay that has left its slot.
        claimable: Map<ContractAddress, u128>,
        challenge_window_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        Claimed: Claimed,
    }

    /// `amount` of the worker's mature pay has gone to its address.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Claimed {
        #[key]
        pub worker: ContractAddress,
        pub amount: u128,
    }

    pub mod Errors {
        pub const NOTHING_TO_CLAIM: felt252 = 'nothing to claim';
    }

    #[embeddable_as(PendingPay)]
    pub impl PendingPayImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Vault: VaultComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IPendingPay<ComponentState<TContractState>> {
        /// Sends all mature pay of `worker` to the worker's own address, whoever calls.
        ///
        /// *Requirements*
        /// - Some of its pay is mature.
        ///
        /// *Emits* `Claimed`.
        fn claim(ref self: ComponentState<TContractState>, worker: ContractAddress) {
            let amount = self.claimable.read(worker)
                + self.empty_if_mature(worker, 0)
                + self.empty_if_mature(worker, 1);
            assert(amount != 0, Errors::NOTHING_TO_CLAIM);
            self.claimable.write(worker, 0);
            self.emit(Claimed { worker, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push(worker, amount);
        }

        /// The worker's pay that is still locked, and the pay that `claim` would send now.
        fn pending_of(
            self: @ComponentState<TContractState>, worker: ContractAddress
        ) -> (u128, u128) {
            let even = self.pay_slots.read((worker, 0)).amount;
            let odd = self.pay_slots.read((worker, 1)).amount;
            let mature = self.mature_in(worker, 0) + self.mature_in(worker, 1);
            (even + odd - mature, self.claimable.read(worker) + mature)
        }

        /// When the earliest locked pay becomes mature; zero when none is locked.
        fn next_unlock_at(self: @ComponentState<TContractState>, worker: ContractAddress) -> u64 {
            let even = self.unlocks_at(worker, 0);
            let odd = self.unlocks_at(worker, 1);
            if even == 0 || (odd != 0 && odd < even) {
                odd
            } else {
                even
            }
        }

        /// The least number of seconds that pay stays locked.
        fn challenge_window_s(self: @ComponentState<TContractState>) -> u64 {
            self.challenge_window_s.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the window. Called once, by the constructor.
        fn initialize(ref self: ComponentState<TContractState>, challenge_window_s: u64) {
            self.challenge_window_s.write(challenge_window_s);
        }

        /// Books `amount` for `worker` in the current bucket.
        ///
        /// A slot with another bucket holds one at least two older, hence mature: it is moved to
        /// `claimable` before it is overwritten. The sums cannot overflow, since every amount is
        /// backed by tokens that this contract holds and the token's supply is far below 2^128.
        fn lock(ref self: ComponentState<TContractState>, worker: ContractAddress, amount: u128) {
            let bucket = get_block_timestamp() / self.challenge_window_s.read();
            let key = (worker, if bucket % 2 == 0 {
                0
            } else {
                1
            });
            let slot = self.pay_slots.read(key);
            if slot.bucket == bucket {
                self.pay_slots.write(key, PaySlot { bucket, amount: slot.amount + amount });
                return;
            }
            if slot.amount != 0 {
                self.claimable.write(worker, self.claimable.read(worker) + slot.amount);
            }
            self.pay_slots.write(key, PaySlot { bucket, amount });
        }

        fn empty_if_mature(
            ref self: ComponentState<TContractState>, worker: ContractAddress, parity: u8
        ) -> u128 {
            let amount = self.mature_in(worker, parity);
            if amount != 0 {
                self.pay_slots.write((worker, parity), PaySlot { bucket: 0, amount: 0 });
            }
            amount
        }

        fn mature_in(
            self: @ComponentState<TContractState>, worker: ContractAddress, parity: u8
        ) -> u128 {
            let slot = self.pay_slots.read((worker, parity));
            if slot.is_mature(get_block_timestamp(), self.challenge_window_s.read()) {
                slot.amount
            } else {
                0
            }
        }

        fn unlocks_at(
            self: @ComponentState<TContractState>, worker: ContractAddress, parity: u8
        ) -> u64 {
            let slot = self.pay_slots.read((worker, parity));
            if slot.amount == self.mature_in(worker, parity) {
                0
            } else {
                slot.unlocks_at(self.challenge_window_s.read())
            }
        }
    }
}
