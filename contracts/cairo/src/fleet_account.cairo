//! FleetAccount is the account of an owner whose devices hold nothing. The owner may do anything; a
//! device may post jobs within the owner's policy, and only by what somebody else sends for it.
//!
//! The devices' keys are leaves of one tree, so a million of them take one storage slot.

#[starknet::contract(account)]
pub mod FleetAccount {
    use core::num::traits::Zero;
    use crate::components::bitmap_nonces::BitmapNoncesComponent::InternalTrait as NoncesInternal;
    use crate::components::bitmap_nonces::BitmapNoncesComponent;
    use crate::components::device_keys::DeviceKeysComponent::InternalTrait as DeviceKeysInternal;
    use crate::components::device_keys::DeviceKeysComponent;
    use crate::components::owner_key::OwnerKeyComponent::InternalTrait as OwnerKeyInternal;
    use crate::components::owner_key::OwnerKeyComponent;
    use crate::components::session::SessionComponent::InternalTrait as SessionInternal;
    use crate::components::session::SessionComponent;
    use crate::hashes::outside_execution::outside_execution_message_hash;
    use crate::interfaces::fleet_account::{IAccount, IIntrospection, IOutsideExecution};
    use crate::types::device_signature::{DeviceSignature, DeviceSignatureTrait};
    use crate::types::fleet_nonce::device_index;
    use crate::types::outside_execution::OutsideExecution;
    use crate::types::session_policy::SessionPolicy;
    use starknet::account::Call;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::syscalls::call_contract_syscall;
    use starknet::{ExecutionInfo, SyscallResultTrait, get_execution_info};

    component!(path: OwnerKeyComponent, storage: owner, event: OwnerKeyEvent);
    component!(path: DeviceKeysComponent, storage: devices, event: DeviceKeysEvent);
    component!(path: SessionComponent, storage: session, event: SessionEvent);
    component!(path: BitmapNoncesComponent, storage: nonces, event: BitmapNoncesEvent);

    #[abi(embed_v0)]
    impl OwnerKeyImpl = OwnerKeyComponent::OwnerKey<ContractState>;
    #[abi(embed_v0)]
    impl DevicesImpl = DeviceKeysComponent::Devices<ContractState>;
    #[abi(embed_v0)]
    impl SessionImpl = SessionComponent::Session<ContractState>;
    #[abi(embed_v0)]
    impl NoncesImpl = BitmapNoncesComponent::Nonces<ContractState>;

    pub const SRC5_ID: felt252 = 0x3f918d17e5ee77373b56385708f855659a07f75997f365cf87748628532a055;
    pub const SRC6_ID: felt252 = 0x2ceccef7f994940b3962a6c67e0ba4fcd37df7d131417c604f91e03caecc1cd;
    pub const SRC9_V2_ID: felt252 = 0x1d1144bb2138366ff28d8e9ab57456b1d332ac42196230c3a602003c89872;

    /// Added to the version of a transaction that is only simulated.
    const SIMULATION: felt252 = 0x100000000000000000000000000000000;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        owner: OwnerKeyComponent::Storage,
        #[substorage(v0)]
        devices: DeviceKeysComponent::Storage,
        #[substorage(v0)]
        session: SessionComponent::Storage,
        #[substorage(v0)]
        nonces: BitmapNoncesComponent::Storage,
        /// Set while an outside execution runs: what it calls cannot start another.
        running: bool,
    }

    #[event]
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        OwnerKeyEvent: OwnerKeyComponent::Event,
        #[flat]
        DeviceKeysEvent: DeviceKeysComponent::Event,
        #[flat]
        SessionEvent: SessionComponent::Event,
        #[flat]
        BitmapNoncesEvent: BitmapNoncesComponent::Event,
        DeviceActed: DeviceActed,
    }

    /// The device with this leaf has made the calls that it signed with this nonce.
    #[derive(Drop, Debug, PartialEq, starknet::Event)]
    pub struct DeviceActed {
        #[key]
        pub device: felt252,
        pub nonce: felt252,
    }

    pub mod Errors {
        pub const ONLY_PROTOCOL: felt252 = 'only the protocol';
        pub const OTHER_VERSION: felt252 = 'not a transaction of version 3';
        pub const NOT_OWNER: felt252 = 'not signed by the owner';
        pub const OTHER_CALLER: felt252 = 'signed for another caller';
        pub const TOO_EARLY: felt252 = 'too early';
        pub const TOO_LATE: felt252 = 'too late';
        pub const REENTRANT_CALL: felt252 = 'reentrant call';
        pub const NONCE_OF_A_DEVICE: felt252 = 'nonce of a device';
    }

    /// Why a device's signature does not count, beside what `DeviceKeysComponent` says.
    pub mod Refusals {
        pub const MALFORMED_SIGNATURE: felt252 = 'malformed signature';
        pub const OTHER_NONCE: felt252 = 'nonce of another device';
        pub const NOT_SIGNED: felt252 = 'not signed by the device';
    }

    /// Names the owner, the devices, and what they may do.
    ///
    /// *Requirements*
    /// - `owner_key` is the x coordinate of a point of the Stark curve.
    /// - Those of `set_policy`; no model is named twice.
    ///
    /// *Emits* `OwnerKeyChanged`, `RootRotated`, `PolicySet`, and `ModelAllowed` for each model.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner_key: felt252,
        root: felt252,
        policy: SessionPolicy,
        models: Span<felt252>
    ) {
        self.owner.initialize(owner_key);
        self.devices.initialize(root);
        self.session.initialize(policy, models);
    }

    #[abi(embed_v0)]
    impl AccountImpl of IAccount<ContractState> {
        /// Whether the owner has signed the transaction. A device has no transactions.
        ///
        /// *Requirements*
        /// - The signature is the owner's.
        fn __validate__(self: @ContractState, calls: Array<Call>) -> felt252 {
            self.assert_signed_by_owner()
        }

        /// Makes the owner's calls.
        ///
        /// *Requirements*
        /// - The caller is the protocol, with a transaction of version 3 or a simulated one.
        fn __execute__(ref self: ContractState, calls: Array<Call>) -> Array<Span<felt252>> {
            let ExecutionInfo { caller_address, tx_info, .. } = get_execution_info().unbox();
            assert(caller_address.is_zero(), Errors::ONLY_PROTOCOL);
            let version = tx_info.unbox().version;
            assert(version == 3 || version == SIMULATION + 3, Errors::OTHER_VERSION);
            make(calls.span())
        }

        /// Whether the owner that the constructor has named has signed the deployment.
        ///
        /// *Requirements*
        /// - The signature is the owner's.
        fn __validate_deploy__(
            self: @ContractState,
            class_hash: felt252,
            salt: felt252,
            owner_key: felt252,
            root: felt252,
            policy: SessionPolicy,
            models: Span<felt252>
        ) -> felt252 {
            self.assert_signed_by_owner()
        }

        /// 'VALID' where the owner has signed `hash`, else zero. Never for a device: whoever asks
        /// this would do for it what the policy does not know of.
        fn is_valid_signature(
            self: @ContractState, hash: felt252, signature: Array<felt252>
        ) -> felt252 {
            if self.owner.has_signed(hash, signature.span()) {
                starknet::VALIDATED
            } else {
                0
            }
        }
    }

    #[abi(embed_v0)]
    impl OutsideExecutionImpl of IOutsideExecution<ContractState> {
        /// Makes the calls that the owner or a device has signed. If one fails, nothing has
        /// happened and the nonce is not used.
        ///
        /// *Requirements*
        /// - The caller is the one that was named, or anyone was; the time is between the two.
        /// - No outside execution runs.
        /// - The owner has signed, with a nonce of its own; or a device that counts and is not
        ///   revoked has signed, with a nonce of its own, what the session policy allows.
        /// - The nonce is not used.
        ///
        /// *Emits* `DeviceActed` where a device has signed.
        fn execute_from_outside_v2(
            ref self: ContractState, outside_execution: OutsideExecution, signature: Span<felt252>
        ) -> Array<Span<felt252>> {
            let info = get_execution_info().unbox();
            let now = info.block_info.unbox().block_timestamp;
            let OutsideExecution { caller, nonce, execute_after, execute_before, calls } =
                outside_execution;
            assert(
                caller == info.caller_address || caller.into() == 'ANY_CALLER', Errors::OTHER_CALLER
            );
            assert(execute_after < now, Errors::TOO_EARLY);
            assert(now < execute_before, Errors::TOO_LATE);
            assert(!self.running.read(), Errors::REENTRANT_CALL);
            let message = message_hash(outside_execution, info);
            if is_of_owner(signature) {
                assert(device_index(nonce).is_none(), Errors::NONCE_OF_A_DEVICE);
                assert(self.owner.has_signed(message, signature), Errors::NOT_OWNER);
                self.nonces.use_up(nonce);
            } else {
                let device = self.device_of(nonce, message, signature, now);
                let device = device.unwrap_or_refuse();
                self.nonces.use_up(nonce);
                self.session.spend(calls, now);
                self.emit(DeviceActed { device, nonce });
            }
            self.running.write(true);
            let results = make(calls);
            self.running.write(false);
            results
        }

        /// Whether `signature` is of a device that may act now with the nonce of
        /// `outside_execution`. It does not say whether the nonce is used, nor whether caller, time
        /// and policy allow the calls.
        fn is_valid_device_signature(
            self: @ContractState, outside_execution: OutsideExecution, signature: Span<felt252>
        ) -> bool {
            let info = get_execution_info().unbox();
            let now = info.block_info.unbox().block_timestamp;
            let message = message_hash(outside_execution, info);
            self.device_of(outside_execution.nonce, message, signature, now).is_ok()
        }
    }

    #[abi(embed_v0)]
    impl IntrospectionImpl of IIntrospection<ContractState> {
        /// True for SRC-5, SRC-6 and version 2 of SRC-9.
        fn supports_interface(self: @ContractState, interface_id: felt252) -> bool {
            interface_id == SRC5_ID || interface_id == SRC6_ID || interface_id == SRC9_V2_ID
        }
    }

    #[generate_trait]
    impl InternalImpl of InternalTrait {
        fn assert_signed_by_owner(self: @ContractState) -> felt252 {
            let info = starknet::get_tx_info().unbox();
            let is_signed = self.owner.has_signed(info.transaction_hash, info.signature);
            assert(is_signed, Errors::NOT_OWNER);
            starknet::VALIDATED
        }

        /// The leaf of the device that has signed `message` and may act with `nonce` at `now`; else
        /// why it may not.
        fn device_of(
            self: @ContractState,
            nonce: felt252,
            message: felt252,
            signature: Span<felt252>,
            now: u64
        ) -> Result<felt252, felt252> {
            let signed: DeviceSignature = DeviceSignatureTrait::read(signature)
                .ok_or(Refusals::MALFORMED_SIGNATURE)?;
            if device_index(nonce) != Option::Some(signed.index) {
                return Result::Err(Refusals::OTHER_NONCE);
            }
            let device = signed.leaf();
            let root = signed.root(device).ok_or(Refusals::MALFORMED_SIGNATURE)?;
            self.devices.check(device, root, now)?;
            if signed.has_signed(message) {
                Result::Ok(device)
            } else {
                Result::Err(Refusals::NOT_SIGNED)
            }
        }
    }

    #[generate_trait]
    impl RefusalImpl of RefusalTrait {
        fn unwrap_or_refuse(self: Result<felt252, felt252>) -> felt252 {
            match self {
                Result::Ok(device) => device,
                Result::Err(refusal) => core::panic_with_felt252(refusal),
            }
        }
    }

    fn message_hash(outside_execution: OutsideExecution, info: ExecutionInfo) -> felt252 {
        let chain_id = info.tx_info.unbox().chain_id;
        outside_execution_message_hash(outside_execution, chain_id, info.contract_address)
    }

    /// A device's signature is longer, whatever it says.
    fn is_of_owner(signature: Span<felt252>) -> bool {
        signature.len() == 2
    }

    fn make(calls: Span<Call>) -> Array<Span<felt252>> {
        let mut results = array![];
        for call in calls {
            let Call { to, selector, calldata } = *call;
            results.append(call_contract_syscall(to, selector, calldata).unwrap_syscall());
        };
        results
    }
}
