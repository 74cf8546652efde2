//! Pay that waits out the challenge window, in two storage slots for each worker and sponsor
//! however many payments.
//!
//! Time is cut in buckets of one window. Pay of bucket `b` is mature when bucket `b + 2` begins, so
//! every payment waits at least one full window and less than two. Only two buckets can therefore
//! be locked at a time, and a ring of two slots holds them.
//!
//! Pay is kept by sponsor because what a slashed worker had locked goes back to those it was taken
//! from.

#[starknet::component]
pub mod PendingPayComponent {
    use crate::components::stakes::StakesComponent;
    use crate::components::stakes::StakesComponent::Stakes;
    use crate::components::vault::VaultComponent;
    use crate::components::vault::VaultComponent::InternalTrait as VaultInternal;
    use crate::interfaces::pool::{IPendingPay, IStakes};
    use crate::types::pay_slot::{PaySlot, PaySlotTrait};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp};

    #[storage]
    pub struct Storage {
        /// By worker, sponsor and bucket modulo two.
        pay_slots: Map<(ContractAddress, ContractAddress, u8), PaySlot>,
        /// Mature pay that has left its slot, by worker.
        claimable: Map<ContractAddress, u128>,
        /// All that was ever claimed, by worker.
        earned: Map<ContractAddress, u128>,
        challenge_window_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        Claimed: Claimed,
        PayReturned: PayReturned,
    }

    /// `amount` of the worker's mature pay has gone to its address.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Claimed {
        #[key]
        pub worker: ContractAddress,
        pub amount: u128,
    }

    /// `amount` that a slashed worker had locked has gone back to the sponsor's address.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct PayReturned {
        #[key]
        pub sponsor: ContractAddress,
        #[key]
        pub worker: ContractAddress,
        pub amount: u128,
    }

    pub mod Errors {
        pub const NOTHING_TO_CLAIM: felt252 = 'nothing to claim';
        pub const NOT_SLASHED: felt252 = 'worker was not slashed';
        pub const NOTHING_TO_RETURN: felt252 = 'nothing to return';
    }

    #[embeddable_as(PendingPay)]
    pub impl PendingPayImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Vault: VaultComponent::HasComponent<TContractState>,
        impl StakesHost: StakesComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IPendingPay<ComponentState<TContractState>> {
        /// Sends the mature pay of `worker` from `sponsors` to the worker's own address, whoever
        /// calls. A sponsor that is left out can be named another time; nothing is lost.
        ///
        /// *Requirements*
        /// - Some of that pay is mature.
        ///
        /// *Emits* `Claimed`.
        fn claim(
            ref self: ComponentState<TContractState>,
            worker: ContractAddress,
            sponsors: Span<ContractAddress>
        ) {
            let cutoff = self.cutoff_of(worker);
            let mut amount = self.claimable.read(worker);
            for sponsor in sponsors {
                amount += self.empty(worker, *sponsor, 0, cutoff, true)
                    + self.empty(worker, *sponsor, 1, cutoff, true);
            };
            assert(amount != 0, Errors::NOTHING_TO_CLAIM);
            self.claimable.write(worker, 0);
            self.earned.write(worker, self.earned.read(worker) + amount);
            self.emit(Claimed { worker, amount });
            let mut vault = get_dep_component_mut!(ref self, Vault);
            vault.push(worker, amount);
        }

        /// Sends what `worker` had locked when it was slashed back to the addresses of `sponsors`,
        /// posters of on-chain jobs among them, whoever calls.
        ///
        /// *Requirements*
        /// - The worker was slashed.
        /// - Some pay of it from these sponsors was locked then and is not returned yet.
        ///
        /// *Emits* `PayReturned` for each sponsor that gets something.
        fn return_pay(
            ref self: ComponentState<TContractState>,
            worker: ContractAddress,
            sponsors: Span<ContractAddress>
        ) {
            let stakes = get_dep_component!(@self, StakesHost);
            let slashed_at = stakes.slashed_at(worker);
            assert(slashed_at != 0, Errors::NOT_SLASHED);
            let mut returned = array![];
            for sponsor in sponsors {
                let amount = self.empty(worker, *sponsor, 0, slashed_at, false)
                    + self.empty(worker, *sponsor, 1, slashed_at, false);
                if amount != 0 {
                    returned.append((*sponsor, amount));
                    self.emit(PayReturned { sponsor: *sponsor, worker, amount });
                }
            };
            assert(!returned.is_empty(), Errors::NOTHING_TO_RETURN);
            let mut vault = get_dep_component_mut!(ref self, Vault);
            for (sponsor, amount) in returned {
                vault.push(sponsor, amount);
            };
        }

        /// The worker's pay from this sponsor that is still locked, and what of it is mature. What
        /// a slashed worker had locked stays locked until it is returned.
        fn pending_of(
            self: @ComponentState<TContractState>, worker: ContractAddress, sponsor: ContractAddress
        ) -> (u128, u128) {
            let cutoff = self.cutoff_of(worker);
            let (even_locked, even_mature) = self.split(worker, sponsor, 0, cutoff);
            let (odd_locked, odd_mature) = self.split(worker, sponsor, 1, cutoff);
            (even_locked + odd_locked, even_mature + odd_mature)
        }

        /// The worker's mature pay that has left its slots: `claim` sends it whoever is named.
        fn claimable_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            self.claimable.read(worker)
        }

        /// All that the worker ever claimed.
        fn earned_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u128 {
            self.earned.read(worker)
        }

        /// When the earliest locked pay of this pair becomes mature; zero when none ever will.
        fn next_unlock_at(
            self: @ComponentState<TContractState>, worker: ContractAddress, sponsor: ContractAddress
        ) -> u64 {
            let stakes = get_dep_component!(self, StakesHost);
            if stakes.slashed_at(worker) != 0 {
                return 0;
            }
            let even = self.unlocks_at(worker, sponsor, 0);
            let odd = self.unlocks_at(worker, sponsor, 1);
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
        TContractState,
        +HasComponent<TContractState>,
        impl Vault: VaultComponent::HasComponent<TContractState>,
        impl StakesHost: StakesComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the window. Called once, by the constructor.
        fn initialize(ref self: ComponentState<TContractState>, challenge_window_s: u64) {
            self.challenge_window_s.write(challenge_window_s);
        }

        /// Books `amount` from `sponsor` for `worker` in the current bucket, and says when it
        /// becomes mature.
        ///
        /// A slot with another bucket holds one at least two older, hence mature: it is moved to
        /// `claimable` before it is overwritten. The sums cannot overflow, since every amount is
        /// backed by tokens that this contract holds and the token's supply is far below 2^128.
        fn lock(
            ref self: ComponentState<TContractState>,
            worker: ContractAddress,
            sponsor: ContractAddress,
            amount: u128
        ) -> u64 {
            let window_s = self.challenge_window_s.read();
            let bucket = get_block_timestamp() / window_s;
            let parity = if bucket % 2 == 0 {
                0
            } else {
                1
            };
            let key = (worker, sponsor, parity);
            let old = self.pay_slots.read(key);
            let slot = if old.bucket == bucket {
                PaySlot { bucket, amount: old.amount + amount }
            } else {
                PaySlot { bucket, amount }
            };
            if old.bucket != bucket && old.amount != 0 {
                self.claimable.write(worker, self.claimable.read(worker) + old.amount);
            }
            self.pay_slots.write(key, slot);
            slot.unlocks_at(window_s)
        }

        /// The moment that decides what is mature: now, or for a slashed worker the moment it was
        /// slashed, since nothing of it matures afterwards.
        fn cutoff_of(self: @ComponentState<TContractState>, worker: ContractAddress) -> u64 {
            let stakes = get_dep_component!(self, StakesHost);
            let slashed_at = stakes.slashed_at(worker);
            if slashed_at == 0 {
                get_block_timestamp()
            } else {
                slashed_at
            }
        }

        /// What of this slot is locked at `cutoff`, and what is mature.
        fn split(
            self: @ComponentState<TContractState>,
            worker: ContractAddress,
            sponsor: ContractAddress,
            parity: u8,
            cutoff: u64
        ) -> (u128, u128) {
            let slot = self.pay_slots.read((worker, sponsor, parity));
            if slot.is_mature(cutoff, self.challenge_window_s.read()) {
                (0, slot.amount)
            } else {
                (slot.amount, 0)
            }
        }

        /// Takes the mature, or else the locked, amount out of this slot.
        fn empty(
            ref self: ComponentState<TContractState>,
            worker: ContractAddress,
            sponsor: ContractAddress,
            parity: u8,
            cutoff: u64,
            mature: bool
        ) -> u128 {
            let (locked_part, mature_part) = self.split(worker, sponsor, parity, cutoff);
            let amount = if mature {
                mature_part
            } else {
                locked_part
            };
            if amount != 0 {
                self.pay_slots.write((worker, sponsor, parity), PaySlot { bucket: 0, amount: 0 });
            }
            amount
        }

        fn unlocks_at(
            self: @ComponentState<TContractState>,
            worker: ContractAddress,
            sponsor: ContractAddress,
            parity: u8
        ) -> u64 {
            let slot = self.pay_slots.read((worker, sponsor, parity));
            let window_s = self.challenge_window_s.read();
            if slot.amount == 0 || slot.is_mature(get_block_timestamp(), window_s) {
                0
            } else {
                slot.unlocks_at(window_s)
            }
        }
    }
}
