//! A fleet account beside a network with a model, three devices, and short words for what they do.

use core::poseidon::hades_permutation;
use crate::fleet_account::FleetAccount::Event;
use crate::fleet_account::FleetAccount;
use crate::hashes::fleet::leaf;
use crate::hashes::outside_execution::outside_execution_message_hash;
use crate::interfaces::fleet_account::{
    IAccountDispatcher, IDevicesDispatcher, IDevicesSafeDispatcher, INoncesDispatcher,
    INoncesDispatcherTrait, IOutsideExecutionDispatcher, IOutsideExecutionDispatcherTrait,
    IOutsideExecutionSafeDispatcher, IOutsideExecutionSafeDispatcherTrait, IOwnerKeyDispatcher,
    IOwnerKeySafeDispatcher, ISessionDispatcher, ISessionDispatcherTrait, ISessionSafeDispatcher
};
use crate::types::device_signature::{KIND_P256, KIND_STARK, MAGIC};
use crate::types::fleet_nonce::OWNER_NONCE_MIN;
use crate::types::onchain_job::OnchainJobState;
use crate::types::outside_execution::OutsideExecution;
use crate::types::session_policy::{SessionPolicy, SpendingPolicy};
use starknet::account::Call;
use starknet::syscalls::deploy_syscall;
use starknet::testing::{pop_log, pop_log_raw};
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::jobs_world::{DEADLINE, FIRST, PRICE, input, ready_world, state_of};
use super::p256_signer;
use super::signer::{public_key, sign};
use super::world::{CHAIN_ID, START, World, WorldTrait, act_as, assert_refused};

pub const OWNER_SECRET: felt252 = 'fleet owner';
pub const STRANGER_SECRET: felt252 = 'fleet stranger';
pub const PRICE_MAX: u128 = 150;
pub const PER_DAY_MAX: u128 = 250;
pub const TWO_POW_64: felt252 = 0x10000000000000000;
pub const OWNER_NONCE: felt252 = OWNER_NONCE_MIN;

/// A device of the fleet: its secret and its place in the tree.
#[derive(Copy, Drop)]
pub struct Device {
    pub kind: felt252,
    pub secret: felt252,
    pub index: u32,
}

/// The Stark device at place 0.
pub fn sensor() -> Device {
    Device { kind: KIND_STARK, secret: 'sensor', index: 0 }
}

/// The Stark device at place 1.
pub fn camera() -> Device {
    Device { kind: KIND_STARK, secret: 'camera', index: 1 }
}

/// The P-256 device at place 2.
pub fn phone() -> Device {
    Device { kind: KIND_P256, secret: 'phone', index: 2 }
}

pub fn relayer() -> ContractAddress {
    contract_address_const::<'relayer'>()
}

#[derive(Copy, Drop)]
pub struct Fleet {
    pub world: World,
    pub address: ContractAddress,
    pub account: IAccountDispatcher,
    pub outside: IOutsideExecutionDispatcher,
    pub nonces: INoncesDispatcher,
    pub owner: IOwnerKeyDispatcher,
    pub devices: IDevicesDispatcher,
    pub session: ISessionDispatcher,
}

#[generate_trait]
pub impl DeviceImpl of DeviceTrait {
    fn key(self: Device) -> Span<felt252> {
        if self.kind == KIND_P256 {
            p256_signer::public_key(self.secret)
        } else {
            [public_key(self.secret)].span()
        }
    }

    fn leaf(self: Device) -> felt252 {
        leaf(self.kind, self.key())
    }

    fn nonce(self: Device, counter: felt252) -> felt252 {
        self.index.into() * TWO_POW_64 + counter
    }

    fn sign(self: Device, message: felt252) -> Span<felt252> {
        if self.kind == KIND_P256 {
            return p256_signer::sign(message, self.secret);
        }
        let (r, s) = sign(message, self.secret);
        [r, s].span()
    }

    /// With the path in the tree of three.
    fn signature(self: Device, message: felt252) -> Span<felt252> {
        self.signature_by(path(self.index), message)
    }

    fn signature_by(self: Device, path: Span<felt252>, message: felt252) -> Span<felt252> {
        let mut felts = array![MAGIC, self.kind];
        felts.append_span(self.key());
        felts.append(self.index.into());
        path.serialize(ref felts);
        felts.append_span(self.sign(message));
        felts.span()
    }
}

pub fn node(left: felt252, right: felt252) -> felt252 {
    let (hash, _, _) = hades_permutation(left, right, 'CIRO_FLEET_NODE');
    hash
}

/// Of the sensor, the camera, the phone, and an empty place.
pub fn tree_root() -> felt252 {
    node(node(sensor().leaf(), camera().leaf()), node(phone().leaf(), 0))
}

pub fn path(index: u32) -> Span<felt252> {
    if index == 0 {
        [camera().leaf(), node(phone().leaf(), 0)].span()
    } else if index == 1 {
        [sensor().leaf(), node(phone().leaf(), 0)].span()
    } else {
        [0, node(sensor().leaf(), camera().leaf())].span()
    }
}

pub fn policy(world: World) -> SessionPolicy {
    SessionPolicy {
        job_manager: world.manager_address,
        spending: SpendingPolicy {
            price_max: PRICE_MAX, per_day_max: PER_DAY_MAX, any_model: false
        }
    }
}

pub fn deploy_fleet(
    owner_key: felt252, root: felt252, policy: SessionPolicy, models: Span<felt252>
) -> SyscallResult<(ContractAddress, Span<felt252>)> {
    let mut calldata = array![];
    (owner_key, root, policy, models).serialize(ref calldata);
    deploy_syscall(FleetAccount::TEST_CLASS_HASH.try_into().unwrap(), 0, calldata.span(), false)
}

/// The fleet has approved five prices, and 'hash' is the model that its devices may ask. A relayer
/// is the caller of what follows.
pub fn fleet_world() -> Fleet {
    let world = ready_world();
    let (address, _) = deploy_fleet(
        public_key(OWNER_SECRET), tree_root(), policy(world), ['hash'].span()
    )
        .unwrap();
    world.fund(address, 5 * PRICE);
    let fleet = Fleet {
        world,
        address,
        account: IAccountDispatcher { contract_address: address },
        outside: IOutsideExecutionDispatcher { contract_address: address },
        nonces: INoncesDispatcher { contract_address: address },
        owner: IOwnerKeyDispatcher { contract_address: address },
        devices: IDevicesDispatcher { contract_address: address },
        session: ISessionDispatcher { contract_address: address },
    };
    fleet.forget_events();
    act_as(relayer());
    fleet
}

/// For the relayer alone, valid at `START`.
pub fn execution(nonce: felt252, calls: Array<Call>) -> OutsideExecution {
    OutsideExecution {
        caller: relayer(),
        nonce,
        execute_after: START - 1,
        execute_before: START + 100_000,
        calls: calls.span()
    }
}

#[generate_trait]
pub impl FleetImpl of FleetTrait {
    fn safe(self: @Fleet) -> IOutsideExecutionSafeDispatcher {
        IOutsideExecutionSafeDispatcher { contract_address: *self.address }
    }

    fn safe_owner(self: @Fleet) -> IOwnerKeySafeDispatcher {
        IOwnerKeySafeDispatcher { contract_address: *self.address }
    }

    fn safe_devices(self: @Fleet) -> IDevicesSafeDispatcher {
        IDevicesSafeDispatcher { contract_address: *self.address }
    }

    fn safe_session(self: @Fleet) -> ISessionSafeDispatcher {
        ISessionSafeDispatcher { contract_address: *self.address }
    }

    fn message(self: @Fleet, execution: OutsideExecution) -> felt252 {
        outside_execution_message_hash(execution, CHAIN_ID, *self.address)
    }

    /// A job for 'hash' at this price.
    fn job_at(self: @Fleet, price: u128) -> Call {
        self.job_of('hash', price)
    }

    fn job_of(self: @Fleet, model: felt252, price: u128) -> Call {
        let mut calldata = array![];
        (model, price, DEADLINE, input()).serialize(ref calldata);
        self.posting(calldata)
    }

    fn job_until(self: @Fleet, price: u128, deadline: u64) -> Call {
        let mut calldata = array![];
        ('hash', price, deadline, input()).serialize(ref calldata);
        self.posting(calldata)
    }

    fn posting(self: @Fleet, calldata: Array<felt252>) -> Call {
        let to = (*self.world).manager_address;
        Call { to, selector: selector!("post_job"), calldata: calldata.span() }
    }

    fn owner_signature(self: @Fleet, execution: OutsideExecution) -> Span<felt252> {
        let (r, s) = sign(self.message(execution), OWNER_SECRET);
        [r, s].span()
    }

    fn signature(self: @Fleet, device: Device, execution: OutsideExecution) -> Span<felt252> {
        device.signature(self.message(execution))
    }

    /// The device makes these calls with its nonce of this number.
    fn act(
        self: @Fleet, device: Device, counter: felt252, calls: Array<Call>
    ) -> Array<Span<felt252>> {
        let execution = execution(device.nonce(counter), calls);
        (*self.outside).execute_from_outside_v2(execution, self.signature(device, execution))
    }

    fn try_act(
        self: @Fleet, device: Device, counter: felt252, calls: Array<Call>
    ) -> SyscallResult<Array<Span<felt252>>> {
        let execution = execution(device.nonce(counter), calls);
        self.attempt(execution, self.signature(device, execution))
    }

    fn try_as_owner(
        self: @Fleet, execution: OutsideExecution
    ) -> SyscallResult<Array<Span<felt252>>> {
        self.attempt(execution, self.owner_signature(execution))
    }

    #[feature("safe_dispatcher")]
    fn attempt(
        self: @Fleet, execution: OutsideExecution, signature: Span<felt252>
    ) -> SyscallResult<Array<Span<felt252>>> {
        self.safe().execute_from_outside_v2(execution, signature)
    }

    /// Sees it refused before anything was posted, spent or said.
    fn assert_untouched(
        self: @Fleet, outcome: SyscallResult<Array<Span<felt252>>>, reason: felt252
    ) {
        assert_refused(outcome, reason);
        assert_eq!(state_of(*self.world, FIRST), OnchainJobState::Absent);
        assert_eq!((*self.world).balance_of(*self.address), (5 * PRICE).into());
        assert_eq!((*self.session).spent_today(), 0);
        self.expect_silence();
    }

    /// The same, with the nonce as free as it was.
    fn assert_unused(
        self: @Fleet, nonce: felt252, outcome: SyscallResult<Array<Span<felt252>>>, reason: felt252
    ) {
        self.assert_untouched(outcome, reason);
        assert!((*self.nonces).is_valid_outside_execution_nonce(nonce), "the nonce is used up");
    }

    /// Asserts that the next event of the account is this one.
    fn expect(self: @Fleet, event: Event) {
        assert_eq!(pop_log(*self.address), Option::Some(event));
    }

    fn expect_silence(self: @Fleet) {
        assert!(pop_log_raw(*self.address).is_none(), "the account emitted something");
    }

    fn forget_events(self: @Fleet) {
        while pop_log_raw(*self.address).is_some() {};
        (*self.world).forget_events();
    }
}
