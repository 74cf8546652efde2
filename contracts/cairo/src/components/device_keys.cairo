//! Which devices there are: one root for all of them, and who is shut out before the next one.

#[starknet::component]
pub mod DeviceKeysComponent {
    use crate::components::owner_key::OwnerKeyComponent::assert_self;
    use crate::interfaces::fleet_account::IDevices;
    use starknet::get_block_timestamp;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };

    /// 30 days: what a device may sleep through without losing its place, and the longest that a
    /// root with a lost device in it can go on counting.
    pub const OVERLAP_MAX_S: u64 = 30 * 24 * 60 * 60;

    #[storage]
    pub struct Storage {
        root: felt252,
        previous_root: felt252,
        previous_until: u64,
        /// By leaf. Rotations leave it as it is.
        revoked: Map<felt252, bool>,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        RootRotated: RootRotated,
        DeviceRevoked: DeviceRevoked,
        DeviceUnrevoked: DeviceUnrevoked,
    }

    /// The devices below `root` count, and until `previous_until` those below `previous` too.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct RootRotated {
        #[key]
        pub root: felt252,
        pub previous: felt252,
        pub previous_until: u64,
    }

    /// The device with this leaf may do nothing, whatever root it is below.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct DeviceRevoked {
        #[key]
        pub device: felt252,
    }

    /// The device with this leaf may act again.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct DeviceUnrevoked {
        #[key]
        pub device: felt252,
    }

    pub mod Errors {
        pub const SAME_ROOT: felt252 = 'root is the same';
        pub const OVERLAP_PASSED: felt252 = 'overlap has passed';
        pub const OVERLAP_TOO_LONG: felt252 = 'overlap too long';
        pub const ALREADY_REVOKED: felt252 = 'device is revoked already';
        pub const NOT_REVOKED: felt252 = 'device is not revoked';
    }

    /// Why a device may not act.
    pub mod Refusals {
        pub const NOT_IN_FLEET: felt252 = 'not a device of this fleet';
        pub const REVOKED: felt252 = 'device is revoked';
    }

    #[embeddable_as(Devices)]
    pub impl DevicesImpl<
        TContractState, +HasComponent<TContractState>
    > of IDevices<ComponentState<TContractState>> {
        /// Puts `root` in the place of the present one, which goes on counting until
        /// `previous_until`, so that devices have time to learn their new paths; zero ends it at
        /// once, and the root before it ends in any case. A root of zero has no devices.
        ///
        /// A device keeps its place from tree to tree: its nonces go by it, so two devices that
        /// count at one place could use up each other's.
        ///
        /// *Requirements*
        /// - The caller is the account itself.
        /// - `root` is another root.
        /// - `previous_until` is zero, or ahead by 30 days at most.
        ///
        /// *Emits* `RootRotated`.
        fn rotate(ref self: ComponentState<TContractState>, root: felt252, previous_until: u64) {
            assert_self();
            let previous = self.root.read();
            assert(root != previous, Errors::SAME_ROOT);
            if previous_until != 0 {
                let now = get_block_timestamp();
                assert(previous_until > now, Errors::OVERLAP_PASSED);
                assert(previous_until - now <= OVERLAP_MAX_S, Errors::OVERLAP_TOO_LONG);
            }
            self.root.write(root);
            self.previous_root.write(previous);
            self.previous_until.write(previous_until);
            self.emit(RootRotated { root, previous, previous_until });
        }

        /// Shuts out the device with this leaf at once, until it is let in again.
        ///
        /// *Requirements*
        /// - The caller is the account itself.
        /// - The device is not revoked.
        ///
        /// *Emits* `DeviceRevoked`.
        fn revoke(ref self: ComponentState<TContractState>, device: felt252) {
            assert_self();
            assert(!self.revoked.read(device), Errors::ALREADY_REVOKED);
            self.revoked.write(device, true);
            self.emit(DeviceRevoked { device });
        }

        /// Takes a revocation back: the device was found, and its key is where it was.
        ///
        /// *Requirements*
        /// - The caller is the account itself.
        /// - The device is revoked.
        ///
        /// *Emits* `DeviceUnrevoked`.
        fn unrevoke(ref self: ComponentState<TContractState>, device: felt252) {
            assert_self();
            assert(self.revoked.read(device), Errors::NOT_REVOKED);
            self.revoked.write(device, false);
            self.emit(DeviceUnrevoked { device });
        }

        /// The root of the devices' keys; zero where there are none.
        fn root(self: @ComponentState<TContractState>) -> felt252 {
            self.root.read()
        }

        /// The root before it, and until when that one counts, in seconds since 1970.
        fn previous_root(self: @ComponentState<TContractState>) -> (felt252, u64) {
            (self.previous_root.read(), self.previous_until.read())
        }

        /// Whether the device with this leaf is shut out.
        fn is_revoked(self: @ComponentState<TContractState>, device: felt252) -> bool {
            self.revoked.read(device)
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// The first root. Called once, by the constructor.
        fn initialize(ref self: ComponentState<TContractState>, root: felt252) {
            self.root.write(root);
            self.emit(RootRotated { root, previous: 0, previous_until: 0 });
        }

        /// Whether the device with this leaf, whose path leads to `root`, may act at `now`; else
        /// one of `Refusals`.
        fn check(
            self: @ComponentState<TContractState>, device: felt252, root: felt252, now: u64
        ) -> Result<(), felt252> {
            if !self.counts(root, now) {
                return Result::Err(Refusals::NOT_IN_FLEET);
            }
            if self.revoked.read(device) {
                return Result::Err(Refusals::REVOKED);
            }
            Result::Ok(())
        }

        fn counts(self: @ComponentState<TContractState>, root: felt252, now: u64) -> bool {
            root == self.root.read()
                || (root == self.previous_root.read() && now < self.previous_until.read())
        }
    }
}
