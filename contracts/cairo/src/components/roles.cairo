//! Who holds the JobManager's two roles, and how a holder hands its role on.
//!
//! A handover shows on chain for as long as a sponsor's notice lasts before it counts, so whoever
//! doubts the successor can leave first.

#[starknet::component]
pub mod RolesComponent {
    use core::num::traits::Zero;
    use crate::interfaces::job_manager::IRoles;
    use crate::types::roles::Role;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};

    #[storage]
    pub struct Storage {
        holders: Map<Role, ContractAddress>,
        successors: Map<Role, ContractAddress>,
        /// When each successor may accept.
        acceptable_at: Map<Role, u64>,
        handover_delay_s: u64,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        HandoverProposed: HandoverProposed,
        HandoverAccepted: HandoverAccepted,
    }

    /// `to` may take the role over from `ready_at` on; zero and zero when a proposal was withdrawn.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct HandoverProposed {
        #[key]
        pub role: Role,
        pub to: ContractAddress,
        pub ready_at: u64,
    }

    /// `holder` holds the role from now on.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct HandoverAccepted {
        #[key]
        pub role: Role,
        pub holder: ContractAddress,
    }

    pub mod Errors {
        pub const HOLDER_IS_ZERO: felt252 = 'role holder is zero';
        pub const ONLY_REGISTRAR: felt252 = 'only the registrar';
        pub const ONLY_GUARDIAN: felt252 = 'only the guardian';
        pub const ONLY_SUCCESSOR: felt252 = 'only the proposed successor';
        pub const TIMELOCKED: felt252 = 'handover is still timelocked';
    }

    #[embeddable_as(Roles)]
    pub impl RolesImpl<
        TContractState, +HasComponent<TContractState>
    > of IRoles<ComponentState<TContractState>> {
        /// Offers the caller's role to `to`, who may accept it once the delay is over. It replaces
        /// an earlier proposal and restarts the delay; the zero address withdraws it.
        ///
        /// *Requirements*
        /// - The caller holds the role.
        ///
        /// *Emits* `HandoverProposed`.
        fn propose_handover(
            ref self: ComponentState<TContractState>, role: Role, to: ContractAddress
        ) {
            self.assert_holder(role);
            let ready_at = if to.is_zero() {
                0
            } else {
                get_block_timestamp() + self.handover_delay_s.read()
            };
            self.successors.write(role, to);
            self.acceptable_at.write(role, ready_at);
            self.emit(HandoverProposed { role, to, ready_at });
        }

        /// Makes the caller the holder of the role that was offered to it.
        ///
        /// *Requirements*
        /// - The role was offered to the caller, and the delay is over.
        ///
        /// *Emits* `HandoverAccepted`.
        fn accept_handover(ref self: ComponentState<TContractState>, role: Role) {
            let holder = get_caller_address();
            let offered = self.successors.read(role);
            assert(offered.is_non_zero() && holder == offered, Errors::ONLY_SUCCESSOR);
            assert(get_block_timestamp() >= self.acceptable_at.read(role), Errors::TIMELOCKED);
            self.successors.write(role, Zero::zero());
            self.acceptable_at.write(role, 0);
            self.holders.write(role, holder);
            self.emit(HandoverAccepted { role, holder });
        }

        /// Who holds the role.
        fn holder_of(self: @ComponentState<TContractState>, role: Role) -> ContractAddress {
            self.holders.read(role)
        }

        /// To whom the role is offered and when it may be accepted; zeroes when it is not offered.
        fn proposed_handover_of(
            self: @ComponentState<TContractState>, role: Role
        ) -> (ContractAddress, u64) {
            (self.successors.read(role), self.acceptable_at.read(role))
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Fixes the first holders and the delay. Called once, by the constructor.
        ///
        /// *Requirements*
        /// - Neither holder is zero.
        fn initialize(
            ref self: ComponentState<TContractState>,
            registrar: ContractAddress,
            guardian: ContractAddress,
            handover_delay_s: u64
        ) {
            assert(registrar.is_non_zero() && guardian.is_non_zero(), Errors::HOLDER_IS_ZERO);
            self.holders.write(Role::Registrar, registrar);
            self.holders.write(Role::Guardian, guardian);
            self.handover_delay_s.write(handover_delay_s);
        }

        /// *Requirements*
        /// - The caller holds the role.
        fn assert_holder(self: @ComponentState<TContractState>, role: Role) {
            let error = match role {
                Role::Registrar => Errors::ONLY_REGISTRAR,
                Role::Guardian => Errors::ONLY_GUARDIAN,
            };
            assert(get_caller_address() == self.holders.read(role), error);
        }
    }
}
