//! The guardian's brake on new settlements. It cannot hold anybody's money.
//!
//! A pause ends by itself after one challenge window, and two more windows must pass before the
//! next. A sponsor's notice lasts at least two windows, so within any notice a worker has at
//! least one window's time in all, perhaps in two pieces, to settle: pausing can't help a sponsor
//! to outrun its debts.

#[starknet::component]
pub mod PauseComponent {
    use crate::components::roles::RolesComponent;
    use crate::components::roles::RolesComponent::InternalTrait as RolesInternal;
    use crate::interfaces::job_manager::IPause;
    use crate::types::roles::Role;
    use starknet::get_block_timestamp;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};

    #[storage]
    pub struct Storage {
        paused_until: u64,
        pause_length_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        Paused: Paused,
        Unpaused: Unpaused,
    }

    /// Nothing is settled, posted or fulfilled before `until`.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Paused {
        pub until: u64,
    }

    /// The guardian has ended its pause early.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct Unpaused {}

    pub mod Errors {
        pub const PAUSED: felt252 = 'settlement is paused';
        pub const NOT_PAUSED: felt252 = 'settlement is not paused';
        pub const TOO_SOON: felt252 = 'too soon after the last pause';
    }

    #[embeddable_as(Pause)]
    pub impl PauseImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Roles: RolesComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of IPause<ComponentState<TContractState>> {
        /// Stops new settlements, posts and fulfilments for one challenge window. Deposits,
        /// withdrawals, stakes, claims, reclaims and slashing go on.
        ///
        /// *Requirements*
        /// - The caller is the guardian.
        /// - Two challenge windows have passed since the last pause ended.
        ///
        /// *Emits* `Paused`.
        fn pause(ref self: ComponentState<TContractState>) {
            get_dep_component!(@self, Roles).assert_holder(Role::Guardian);
            let now = get_block_timestamp();
            assert(now >= self.may_pause_from(), Errors::TOO_SOON);
            let until = now + self.pause_length_s.read();
            self.paused_until.write(until);
            self.emit(Paused { until });
        }

        /// Ends the pause now.
        ///
        /// *Requirements*
        /// - The caller is the guardian.
        /// - A pause is running.
        ///
        /// *Emits* `Unpaused`.
        fn unpause(ref self: ComponentState<TContractState>) {
            get_dep_component!(@self, Roles).assert_holder(Role::Guardian);
            let now = get_block_timestamp();
            assert(now < self.paused_until.read(), Errors::NOT_PAUSED);
            self.paused_until.write(now);
            self.emit(Unpaused {});
        }

        /// When the last pause ends or ended; zero when there was none.
        fn paused_until(self: @ComponentState<TContractState>) -> u64 {
            self.paused_until.read()
        }

        /// The earliest moment of the next pause.
        fn may_pause_from(self: @ComponentState<TContractState>) -> u64 {
            let last = self.paused_until.read();
            if last == 0 {
                0
            } else {
                last + 2 * self.pause_length_s.read()
            }
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes how long a pause lasts. Called once, by the constructor.
        fn initialize(ref self: ComponentState<TContractState>, pause_length_s: u64) {
            self.pause_length_s.write(pause_length_s);
        }

        /// *Requirements*
        /// - No pause is running.
        fn assert_not_paused(self: @ComponentState<TContractState>) {
            assert(get_block_timestamp() >= self.paused_until.read(), Errors::PAUSED);
        }
    }
}
