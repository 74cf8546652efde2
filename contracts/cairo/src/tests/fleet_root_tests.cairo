//! Which devices there are: the owner rotates the root, revokes a device, and lets it in again.

use crate::components::device_keys::DeviceKeysComponent::{
    DeviceRevoked, DeviceUnrevoked, Errors, Event, OVERLAP_MAX_S, RootRotated
};
use crate::components::owner_key::OwnerKeyComponent::Errors as OwnerErrors;
use crate::fleet_account::FleetAccount::Event as AccountEvent;
use crate::interfaces::fleet_account::{
    IDevicesDispatcherTrait, IDevicesSafeDispatcherTrait, INoncesDispatcherTrait
};
use starknet::SyscallResult;
use super::fleet_world::{
    DeviceTrait, Fleet, FleetTrait, fleet_world, node, relayer, sensor, tree_root
};
use super::world::{START, act_as, assert_refused, at};

fn expect(fleet: Fleet, event: Event) {
    fleet.expect(AccountEvent::DeviceKeysEvent(event));
}

#[feature("safe_dispatcher")]
fn try_rotate(fleet: Fleet, root: felt252, until: u64) -> SyscallResult<()> {
    fleet.safe_devices().rotate(root, until)
}

fn assert_not_rotated(fleet: Fleet, outcome: SyscallResult<()>, reason: felt252) {
    assert_refused(outcome, reason);
    assert_eq!(fleet.devices.root(), tree_root());
    assert_eq!(fleet.devices.previous_root(), (0, 0));
    fleet.expect_silence();
}

#[test]
fn the_owner_rotates_the_root_and_the_one_before_counts_a_while() {
    let fleet = fleet_world();
    act_as(fleet.address);
    let until = START + OVERLAP_MAX_S;
    fleet.devices.rotate('root', until);
    assert_eq!(fleet.devices.root(), 'root');
    assert_eq!(fleet.devices.previous_root(), (tree_root(), until));
    let previous = tree_root();
    expect(
        fleet, Event::RootRotated(RootRotated { root: 'root', previous, previous_until: until })
    );
    fleet.expect_silence();
}

#[test]
fn a_second_rotation_ends_the_root_before_the_last() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.devices.rotate('second', START + 100);
    fleet.devices.rotate('third', 0);
    assert_eq!(fleet.devices.root(), 'third');
    assert_eq!(fleet.devices.previous_root(), ('second', 0));
    act_as(relayer());
    assert!(fleet.try_act(sensor(), 0, array![]).is_err());
}

#[test]
fn devices_of_the_new_root_act_at_once() {
    let fleet = fleet_world();
    act_as(fleet.address);
    let path = [tree_root()].span();
    let root = node(sensor().leaf(), tree_root());
    fleet.devices.rotate(root, 0);
    act_as(relayer());
    let execution = super::fleet_world::execution(0, array![]);
    let signature = sensor().signature_by(path, fleet.message(execution));
    assert!(fleet.attempt(execution, signature).is_ok());
    assert!(!fleet.nonces.is_valid_outside_execution_nonce(0));
}

#[test]
fn a_root_of_zero_has_no_devices() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.devices.rotate(0, 0);
    assert_eq!(fleet.devices.root(), 0);
    act_as(relayer());
    assert!(fleet.try_act(sensor(), 0, array![]).is_err());
    assert!(fleet.nonces.is_valid_outside_execution_nonce(0));
}

#[test]
fn the_same_root_and_an_overlap_that_is_over_or_too_long_are_refused() {
    let fleet = fleet_world();
    act_as(fleet.address);
    assert_not_rotated(fleet, try_rotate(fleet, tree_root(), 0), Errors::SAME_ROOT);
    for passed in array![
        1, START
    ] {
        assert_not_rotated(fleet, try_rotate(fleet, 'root', passed), Errors::OVERLAP_PASSED);
    };
    for far in array![
        START + OVERLAP_MAX_S + 1, 0xffffffffffffffff
    ] {
        assert_not_rotated(fleet, try_rotate(fleet, 'root', far), Errors::OVERLAP_TOO_LONG);
    };
}

#[test]
fn only_the_account_rotates_the_root() {
    let fleet = fleet_world();
    assert_not_rotated(fleet, try_rotate(fleet, 'root', 0), OwnerErrors::ONLY_OWNER);
}

#[test]
fn the_owner_revokes_a_device_and_lets_it_in_again() {
    let fleet = fleet_world();
    let device = sensor().leaf();
    act_as(fleet.address);
    fleet.devices.revoke(device);
    assert!(fleet.devices.is_revoked(device));
    expect(fleet, Event::DeviceRevoked(DeviceRevoked { device }));
    fleet.devices.unrevoke(device);
    assert!(!fleet.devices.is_revoked(device));
    expect(fleet, Event::DeviceUnrevoked(DeviceUnrevoked { device }));
    act_as(relayer());
    assert!(fleet.try_act(sensor(), 0, array![]).is_ok());
}

#[test]
fn a_rotation_does_not_let_a_revoked_device_in() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.devices.revoke(sensor().leaf());
    fleet.devices.rotate('root', START + 100);
    assert!(fleet.devices.is_revoked(sensor().leaf()));
    act_as(relayer());
    at(START + 1);
    assert!(fleet.try_act(sensor(), 0, array![]).is_err());
}

#[test]
#[feature("safe_dispatcher")]
fn a_device_is_revoked_once_and_let_in_once() {
    let fleet = fleet_world();
    let device = sensor().leaf();
    act_as(fleet.address);
    assert_refused(fleet.safe_devices().unrevoke(device), Errors::NOT_REVOKED);
    assert!(!fleet.devices.is_revoked(device));
    fleet.expect_silence();
    fleet.devices.revoke(device);
    fleet.forget_events();
    assert_refused(fleet.safe_devices().revoke(device), Errors::ALREADY_REVOKED);
    assert!(fleet.devices.is_revoked(device));
    fleet.expect_silence();
}

#[test]
#[feature("safe_dispatcher")]
fn only_the_account_revokes_and_lets_in() {
    let fleet = fleet_world();
    assert_refused(fleet.safe_devices().revoke('device'), OwnerErrors::ONLY_OWNER);
    assert!(!fleet.devices.is_revoked('device'));
    assert_refused(fleet.safe_devices().unrevoke('device'), OwnerErrors::ONLY_OWNER);
    fleet.expect_silence();
}
