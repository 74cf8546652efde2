//! What the owner signs: transactions, hashes, its next key; and what a deployment fixes.

use crate::components::device_keys::DeviceKeysComponent::{Event as DeviceEvent, RootRotated};
use crate::components::owner_key::OwnerKeyComponent::{
    Errors as OwnerErrors, Event as OwnerEvent, OwnerKeyChanged
};
use crate::components::session::SessionComponent::{
    Errors as SessionErrors, Event as SessionEvent, ModelAllowed, PolicySet
};
use crate::fleet_account::FleetAccount::{Errors, Event, SRC5_ID, SRC6_ID, SRC9_V2_ID};
use crate::hashes::fleet::owner_key_hash;
use crate::hashes::snip12::{domain_hash, message_hash};
use crate::interfaces::fleet_account::{
    IAccountDispatcherTrait, IAccountSafeDispatcher, IAccountSafeDispatcherTrait,
    IDevicesDispatcher, IDevicesDispatcherTrait, IIntrospectionDispatcher,
    IIntrospectionDispatcherTrait, IOwnerKeyDispatcher, IOwnerKeyDispatcherTrait,
    IOwnerKeySafeDispatcherTrait, ISessionDispatcher, ISessionDispatcherTrait
};
use crate::types::session_policy::{AMOUNT_LIMIT, SessionPolicy, SpendingPolicy};
use starknet::account::Call;
use starknet::testing::{pop_log, pop_log_raw, set_signature, set_transaction_hash, set_version};
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::fleet_world::{
    DeviceTrait, Fleet, FleetTrait, OWNER_SECRET, STRANGER_SECRET, deploy_fleet, fleet_world,
    policy, sensor, tree_root
};
use super::jobs_world::ready_world;
use super::signer::{public_key, sign};
use super::world::{CHAIN_ID, WorldTrait, act_as, assert_refused, stranger};

const NEXT_SECRET: felt252 = 'next owner';
const TRANSACTION: felt252 = 'transaction hash';
const SIMULATION: felt252 = 0x100000000000000000000000000000000;

fn signed_by(message: felt252, secret: felt252) -> Array<felt252> {
    let (r, s) = sign(message, secret);
    array![r, s]
}

fn transaction_signed_by(secret: felt252) {
    set_transaction_hash(TRANSACTION);
    set_signature(signed_by(TRANSACTION, secret).span());
}

fn safe(fleet: Fleet) -> IAccountSafeDispatcher {
    IAccountSafeDispatcher { contract_address: fleet.address }
}

#[feature("safe_dispatcher")]
fn assert_not_validated(fleet: Fleet) {
    assert_refused(safe(fleet).__validate__(array![]), Errors::NOT_OWNER);
    let (policy, models) = (policy(fleet.world), [].span());
    let deploy = safe(fleet)
        .__validate_deploy__('class', 0, public_key(OWNER_SECRET), 'root', policy, models);
    assert_refused(deploy, Errors::NOT_OWNER);
}

/// What `key` signs to take over from the owner of this account.
fn takeover(account: ContractAddress, key: felt252) -> felt252 {
    let from = public_key(OWNER_SECRET);
    message_hash(domain_hash(CHAIN_ID), account, owner_key_hash(from, key))
}

#[feature("safe_dispatcher")]
fn try_rotate(fleet: Fleet, key: felt252, signature: Array<felt252>) -> SyscallResult<()> {
    fleet.safe_owner().rotate_owner_key(key, signature.span())
}

fn assert_not_rotated(outcome: SyscallResult<()>, fleet: Fleet, reason: felt252) {
    assert_refused(outcome, reason);
    assert_eq!(fleet.owner.owner_key(), public_key(OWNER_SECRET));
    fleet.expect_silence();
}

fn transfer(fleet: Fleet, amount: u256) -> Call {
    let mut calldata = array![];
    (stranger(), amount).serialize(ref calldata);
    let to = fleet.world.token.contract_address;
    Call { to, selector: selector!("transfer"), calldata: calldata.span() }
}

#[test]
fn a_deployment_names_the_owner_the_devices_and_the_policy() {
    let world = ready_world();
    let key = public_key(OWNER_SECRET);
    let policy = policy(world);
    let (contract_address, _) = deploy_fleet(key, tree_root(), policy, ['hash', 'hush'].span())
        .unwrap();
    let session = ISessionDispatcher { contract_address };
    let devices = IDevicesDispatcher { contract_address };
    assert_eq!(IOwnerKeyDispatcher { contract_address }.owner_key(), key);
    assert_eq!(devices.root(), tree_root());
    assert_eq!(devices.previous_root(), (0, 0));
    assert_eq!(session.policy(), policy);
    assert!(session.is_model_allowed('hash') && session.is_model_allowed('hush'));
    assert!(!session.is_model_allowed(0));
    let rotated = RootRotated { root: tree_root(), previous: 0, previous_until: 0 };
    let events = array![
        Event::OwnerKeyEvent(OwnerEvent::OwnerKeyChanged(OwnerKeyChanged { from: 0, to: key })),
        Event::DeviceKeysEvent(DeviceEvent::RootRotated(rotated)),
        Event::SessionEvent(SessionEvent::PolicySet(PolicySet { policy })),
        Event::SessionEvent(SessionEvent::ModelAllowed(ModelAllowed { model: 'hash' })),
        Event::SessionEvent(SessionEvent::ModelAllowed(ModelAllowed { model: 'hush' })),
    ];
    for event in events {
        assert_eq!(pop_log(contract_address), Option::Some(event));
    };
    assert!(pop_log_raw(contract_address).is_none());
}

#[test]
fn a_deployment_without_a_key_or_with_a_bad_policy_is_refused() {
    let world = ready_world();
    let (key, good) = (public_key(OWNER_SECRET), policy(world));
    // No point of the curve has the x coordinate 5.
    for no_key in array![
        0, 5
    ] {
        let outcome = deploy_fleet(no_key, tree_root(), good, [].span());
        assert_refused(outcome, OwnerErrors::NO_KEY);
    };
    let spending = SpendingPolicy { price_max: AMOUNT_LIMIT, ..good.spending };
    let outcome = deploy_fleet(key, 0, SessionPolicy { spending, ..good }, [].span());
    assert_refused(outcome, SessionErrors::AMOUNT_TOO_LARGE);
    let outcome = deploy_fleet(key, 0, good, ['hash', 'hash'].span());
    assert_refused(outcome, SessionErrors::ALREADY_ALLOWED);
}

#[test]
fn a_transaction_that_the_owner_has_signed_is_valid() {
    let fleet = fleet_world();
    transaction_signed_by(OWNER_SECRET);
    assert_eq!(fleet.account.__validate__(array![]), starknet::VALIDATED);
    let (policy, models) = (policy(fleet.world), ['hash'].span());
    let deploy = fleet
        .account
        .__validate_deploy__('class', 0, public_key(OWNER_SECRET), tree_root(), policy, models);
    assert_eq!(deploy, starknet::VALIDATED);
}

#[test]
fn a_transaction_that_somebody_else_has_signed_is_refused() {
    let fleet = fleet_world();
    transaction_signed_by(STRANGER_SECRET);
    assert_not_validated(fleet);
    transaction_signed_by(sensor().secret);
    assert_not_validated(fleet);
    set_signature(sensor().signature(TRANSACTION));
    assert_not_validated(fleet);
    set_signature([].span());
    assert_not_validated(fleet);
}

#[test]
fn the_owner_makes_calls_by_transactions_and_by_simulated_ones() {
    let fleet = fleet_world();
    act_as(contract_address_const::<0>());
    set_version(3);
    let calls = array![transfer(fleet, 1), transfer(fleet, 2)];
    let results = fleet.account.__execute__(calls);
    assert_eq!(results, array![[1].span(), [1].span()]);
    assert_eq!(fleet.world.balance_of(stranger()), 3);
    set_version(SIMULATION + 3);
    fleet.account.__execute__(array![transfer(fleet, 4)]);
    assert_eq!(fleet.world.balance_of(stranger()), 7);
    fleet.expect_silence();
}

#[test]
#[feature("safe_dispatcher")]
fn only_the_protocol_executes_and_only_version_3() {
    let fleet = fleet_world();
    set_version(3);
    for caller in array![
        stranger(), fleet.address
    ] {
        act_as(caller);
        let outcome = safe(fleet).__execute__(array![transfer(fleet, 1)]);
        assert_refused(outcome, Errors::ONLY_PROTOCOL);
    };
    act_as(contract_address_const::<0>());
    for version in array![
        0, 1, 2, 4, SIMULATION, SIMULATION + 1, -1
    ] {
        set_version(version);
        let outcome = safe(fleet).__execute__(array![transfer(fleet, 1)]);
        assert_refused(outcome, Errors::OTHER_VERSION);
    };
    assert_eq!(fleet.world.balance_of(stranger()), 0);
}

#[test]
fn the_owner_signs_for_the_account_and_nobody_else_does() {
    let fleet = fleet_world();
    let signature = signed_by('hash', OWNER_SECRET);
    assert_eq!(fleet.account.is_valid_signature('hash', signature), 'VALID');
    let signature = signed_by('hash', OWNER_SECRET);
    assert_eq!(fleet.account.is_valid_signature('another hash', signature), 0);
    let signature = signed_by('hash', STRANGER_SECRET);
    assert_eq!(fleet.account.is_valid_signature('hash', signature), 0);
}

#[test]
fn malformed_signatures_are_not_valid_and_never_panic() {
    let fleet = fleet_world();
    let (r, s) = sign('hash', OWNER_SECRET);
    let malformed = array![
        array![], array![r], array![r, s, 0], array![0, 0], array![r, -1], array![-1, s]
    ];
    for signature in malformed {
        assert_eq!(fleet.account.is_valid_signature('hash', signature), 0);
    };
}

#[test]
fn it_says_which_interfaces_it_has() {
    let fleet = fleet_world();
    let it = IIntrospectionDispatcher { contract_address: fleet.address };
    for id in array![SRC5_ID, SRC6_ID, SRC9_V2_ID] {
        assert!(it.supports_interface(id));
    };
    let version_1 = 0x68cfd18b92d1907b8ba3cc324900277f5a3622099431ea85dd8089255e4181;
    for id in array![0, version_1] {
        assert!(!it.supports_interface(id));
    };
}

#[test]
fn the_next_key_takes_over_once_it_has_signed() {
    let fleet = fleet_world();
    let (from, to) = (public_key(OWNER_SECRET), public_key(NEXT_SECRET));
    let signature = signed_by(takeover(fleet.address, to), NEXT_SECRET);
    act_as(fleet.address);
    fleet.owner.rotate_owner_key(to, signature.span());
    assert_eq!(fleet.owner.owner_key(), to);
    let changed = OwnerEvent::OwnerKeyChanged(OwnerKeyChanged { from, to });
    fleet.expect(Event::OwnerKeyEvent(changed));
    let by_next = signed_by('hash', NEXT_SECRET);
    assert_eq!(fleet.account.is_valid_signature('hash', by_next), 'VALID');
    let by_former = signed_by('hash', OWNER_SECRET);
    assert_eq!(fleet.account.is_valid_signature('hash', by_former), 0);
}

#[test]
fn a_key_that_has_not_signed_this_change_does_not_take_over() {
    let fleet = fleet_world();
    let key = public_key(NEXT_SECRET);
    let message = takeover(fleet.address, key);
    act_as(fleet.address);
    let not_proved = OwnerErrors::NOT_PROVED;
    let of_owner = try_rotate(fleet, key, signed_by(message, OWNER_SECRET));
    assert_not_rotated(of_owner, fleet, not_proved);
    let of_other_account = signed_by(takeover(stranger(), key), NEXT_SECRET);
    assert_not_rotated(try_rotate(fleet, key, of_other_account), fleet, not_proved);
    let of_other_key = signed_by(takeover(fleet.address, key + 1), NEXT_SECRET);
    assert_not_rotated(try_rotate(fleet, key, of_other_key), fleet, not_proved);
    assert_not_rotated(try_rotate(fleet, key, array![]), fleet, not_proved);
    let signature = signed_by(takeover(fleet.address, 0), NEXT_SECRET);
    assert_not_rotated(try_rotate(fleet, 0, signature), fleet, not_proved);
}

#[test]
fn only_the_account_changes_its_key_and_only_to_another() {
    let fleet = fleet_world();
    let key = public_key(NEXT_SECRET);
    let signature = signed_by(takeover(fleet.address, key), NEXT_SECRET);
    let outcome = try_rotate(fleet, key, signature);
    assert_not_rotated(outcome, fleet, OwnerErrors::ONLY_OWNER);
    act_as(fleet.address);
    let same = public_key(OWNER_SECRET);
    let signature = signed_by(takeover(fleet.address, same), OWNER_SECRET);
    assert_not_rotated(try_rotate(fleet, same, signature), fleet, OwnerErrors::SAME_KEY);
}
