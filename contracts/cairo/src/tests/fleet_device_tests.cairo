//! What devices may do: post jobs, each with its own key, place and nonces.

use crate::components::bitmap_nonces::BitmapNoncesComponent::Errors as NonceErrors;
use crate::components::device_keys::DeviceKeysComponent::Refusals as DeviceRefusals;
use crate::fleet_account::FleetAccount::{DeviceActed, Event, Refusals};
use crate::interfaces::fleet_account::{
    IAccountDispatcherTrait, IDevicesDispatcherTrait, INoncesDispatcherTrait,
    IOutsideExecutionDispatcherTrait, ISessionDispatcherTrait
};
use crate::interfaces::job_manager::IOnchainJobsDispatcherTrait;
use crate::types::device_signature::{KIND_STARK, MAGIC};
use crate::types::onchain_job::OnchainJob;
use super::fleet_world::{
    DeviceTrait, Fleet, FleetTrait, Device, OWNER_NONCE, STRANGER_SECRET, camera, execution,
    fleet_world, path, phone, relayer, sensor
};
use super::jobs_world::{FIRST, PRICE, SECOND, fulfilled_job, open_job, output, proof_for};
use super::p256_signer;
use super::world::{START, WorldTrait, act_as, assert_refused, at};

fn assert_posts(fleet: Fleet, device: Device) {
    let nonce = device.nonce(7);
    let results = fleet.act(device, 7, array![fleet.job_at(PRICE)]);
    assert_eq!(results, array![[FIRST].span()]);
    let job = OnchainJob { poster: fleet.address, ..open_job() };
    assert_eq!(fleet.world.jobs.onchain_job(FIRST), job);
    assert_eq!(fleet.world.balance_of(fleet.address), (4 * PRICE).into());
    assert_eq!(fleet.session.spent_today(), PRICE);
    assert!(!fleet.nonces.is_valid_outside_execution_nonce(nonce));
    fleet.expect(Event::DeviceActed(DeviceActed { device: device.leaf(), nonce }));
    fleet.expect_silence();
}

/// The sensor's signature over a job, with one felt changed.
fn assert_changed_felt_refused(fleet: Fleet, position: u32, value: felt252, reason: felt252) {
    let device = sensor();
    let execution = execution(device.nonce(0), array![fleet.job_at(PRICE)]);
    let whole = fleet.signature(device, execution);
    let mut felts = array![];
    felts.append_span(whole.slice(0, position));
    felts.append(value);
    felts.append_span(whole.slice(position + 1, whole.len() - position - 1));
    assert_ne!(*whole[position], value);
    assert!(!fleet.outside.is_valid_device_signature(execution, felts.span()));
    fleet.assert_unused(device.nonce(0), fleet.attempt(execution, felts.span()), reason);
}

#[test]
fn a_stark_device_posts_a_job_with_the_money_of_the_account() {
    assert_posts(fleet_world(), sensor());
}

#[test]
fn a_stark_device_on_the_right_side_of_a_node_posts_a_job() {
    assert_posts(fleet_world(), camera());
}

#[test]
fn a_p256_device_posts_a_job() {
    assert_posts(fleet_world(), phone());
}

#[test]
fn a_worker_fulfils_what_a_device_has_posted() {
    let fleet = fleet_world();
    fleet.act(sensor(), 0, array![fleet.job_at(PRICE)]);
    fleet.world.jobs.fulfil(proof_for(fleet.world, FIRST), output());
    let job = OnchainJob { poster: fleet.address, ..fulfilled_job() };
    assert_eq!(fleet.world.jobs.onchain_job(FIRST), job);
}

#[test]
fn a_device_posts_several_jobs_at_once() {
    let fleet = fleet_world();
    let results = fleet.act(sensor(), 0, array![fleet.job_at(PRICE), fleet.job_at(PRICE + 1)]);
    assert_eq!(results, array![[FIRST].span(), [SECOND].span()]);
    assert_eq!(fleet.session.spent_today(), 2 * PRICE + 1);
}

#[test]
fn a_device_without_calls_only_uses_a_nonce_up() {
    let fleet = fleet_world();
    assert_eq!(fleet.act(sensor(), 5, array![]), array![]);
    assert!(!fleet.nonces.is_valid_outside_execution_nonce(5));
    fleet.expect(Event::DeviceActed(DeviceActed { device: sensor().leaf(), nonce: 5 }));
    fleet.assert_unused(6, fleet.try_act(sensor(), 5, array![]), NonceErrors::NONCE_USED);
}

#[test]
fn an_s_above_half_the_order_counts_as_well() {
    let fleet = fleet_world();
    let device = phone();
    let execution = execution(device.nonce(0), array![]);
    let message = fleet.message(execution);
    let whole = device.signature(message);
    let mut felts = array![];
    felts.append_span(whole.slice(0, whole.len() - 4));
    felts.append_span(p256_signer::sign_mirrored(message, device.secret));
    assert!(fleet.outside.is_valid_device_signature(execution, whole));
    assert!(fleet.outside.is_valid_device_signature(execution, felts.span()));
    fleet.outside.execute_from_outside_v2(execution, felts.span());
    let again = fleet.attempt(execution, whole);
    assert_refused(again, NonceErrors::NONCE_USED);
}

#[test]
fn a_nonce_counts_once() {
    let fleet = fleet_world();
    fleet.act(sensor(), 3, array![]);
    fleet.forget_events();
    let again = fleet.try_act(sensor(), 3, array![fleet.job_at(PRICE)]);
    fleet.assert_untouched(again, NonceErrors::NONCE_USED);
}

#[test]
fn nonces_come_in_any_order_and_devices_do_not_share_them() {
    let fleet = fleet_world();
    for counter in array![
        200, 3, 127, 128, 0xffffffffffffffff
    ] {
        fleet.act(sensor(), counter, array![]);
        fleet.act(camera(), counter, array![]);
    };
    assert_eq!(fleet.nonces.used_nonces(0, 0), 8 + 0x80000000000000000000000000000000);
    assert_eq!(fleet.nonces.used_nonces(1, 1), 1 + 0x1000000000000000000);
}

#[test]
fn the_nonce_of_another_device_is_refused() {
    let fleet = fleet_world();
    let foreign = camera().nonce(0);
    let execution = execution(foreign, array![fleet.job_at(PRICE)]);
    let outcome = fleet.attempt(execution, fleet.signature(sensor(), execution));
    fleet.assert_unused(foreign, outcome, Refusals::OTHER_NONCE);
}

#[test]
fn a_nonce_of_the_owner_is_refused() {
    let fleet = fleet_world();
    for nonce in array![
        OWNER_NONCE, -1
    ] {
        let execution = execution(nonce, array![fleet.job_at(PRICE)]);
        let outcome = fleet.attempt(execution, fleet.signature(sensor(), execution));
        fleet.assert_unused(nonce, outcome, Refusals::OTHER_NONCE);
    };
}

#[test]
fn a_key_that_is_not_in_the_tree_is_refused() {
    let fleet = fleet_world();
    let intruder = Device { kind: KIND_STARK, secret: STRANGER_SECRET, index: 0 };
    let outcome = fleet.try_act(intruder, 0, array![fleet.job_at(PRICE)]);
    fleet.assert_unused(0, outcome, DeviceRefusals::NOT_IN_FLEET);
}

#[test]
fn a_node_of_the_tree_is_no_device() {
    let fleet = fleet_world();
    let device = sensor();
    let execution = execution(0, array![]);
    let short = device.signature_by(path(0).slice(0, 1), fleet.message(execution));
    let outcome = fleet.attempt(execution, short);
    fleet.assert_unused(0, outcome, DeviceRefusals::NOT_IN_FLEET);
}

#[test]
fn a_place_that_the_tree_does_not_have_is_refused() {
    let fleet = fleet_world();
    let outside = Device { index: 4, ..sensor() };
    let execution = execution(outside.nonce(0), array![]);
    let signature = outside.signature_by(path(0), fleet.message(execution));
    let outcome = fleet.attempt(execution, signature);
    fleet.assert_unused(outside.nonce(0), outcome, Refusals::MALFORMED_SIGNATURE);
}

#[test]
fn every_felt_of_a_signature_matters() {
    let fleet = fleet_world();
    let malformed = Refusals::MALFORMED_SIGNATURE;
    // Magic, kind, key, index, path length, two siblings, r, s.
    assert_changed_felt_refused(fleet, 0, MAGIC + 1, malformed);
    assert_changed_felt_refused(fleet, 1, 1, malformed);
    assert_changed_felt_refused(fleet, 1, 2, malformed);
    assert_changed_felt_refused(fleet, 2, 'key', DeviceRefusals::NOT_IN_FLEET);
    assert_changed_felt_refused(fleet, 3, 1, Refusals::OTHER_NONCE);
    assert_changed_felt_refused(fleet, 3, 0x100000000, malformed);
    assert_changed_felt_refused(fleet, 4, 1, malformed);
    assert_changed_felt_refused(fleet, 4, -1, malformed);
    assert_changed_felt_refused(fleet, 5, 1, DeviceRefusals::NOT_IN_FLEET);
    assert_changed_felt_refused(fleet, 6, 1, DeviceRefusals::NOT_IN_FLEET);
    assert_changed_felt_refused(fleet, 7, 1, Refusals::NOT_SIGNED);
    assert_changed_felt_refused(fleet, 8, -1, Refusals::NOT_SIGNED);
}

#[test]
fn a_signature_that_is_cut_or_lengthened_is_refused() {
    let fleet = fleet_world();
    let execution = execution(0, array![fleet.job_at(PRICE)]);
    let whole = fleet.signature(sensor(), execution);
    for length in array![
        0, 1, 3, 4, 8
    ] {
        let outcome = fleet.attempt(execution, whole.slice(0, length));
        fleet.assert_unused(0, outcome, Refusals::MALFORMED_SIGNATURE);
    };
    let mut longer = array![];
    longer.append_span(whole);
    longer.append(0);
    let outcome = fleet.attempt(execution, longer.span());
    fleet.assert_unused(0, outcome, Refusals::MALFORMED_SIGNATURE);
}

#[test]
fn a_path_longer_than_32_is_refused() {
    let fleet = fleet_world();
    let execution = execution(0, array![]);
    let mut path = array![];
    for _ in 0..33_u32 {
        path.append(0);
    };
    let signature = sensor().signature_by(path.span(), fleet.message(execution));
    fleet.assert_unused(0, fleet.attempt(execution, signature), Refusals::MALFORMED_SIGNATURE);
    let signature = sensor().signature_by(path.span().slice(0, 32), fleet.message(execution));
    fleet.assert_unused(0, fleet.attempt(execution, signature), DeviceRefusals::NOT_IN_FLEET);
}

#[test]
fn what_a_device_has_signed_for_one_execution_is_worth_nothing_for_another() {
    let fleet = fleet_world();
    let signature = fleet.signature(sensor(), execution(0, array![fleet.job_at(PRICE)]));
    let dearer = execution(0, array![fleet.job_at(PRICE + 1)]);
    fleet.assert_unused(0, fleet.attempt(dearer, signature), Refusals::NOT_SIGNED);
    let signature = fleet.signature(phone(), execution(phone().nonce(0), array![]));
    let other = execution(phone().nonce(1), array![]);
    fleet.assert_unused(0, fleet.attempt(other, signature), Refusals::NOT_SIGNED);
}

#[test]
fn halves_and_points_that_are_none_make_no_p256_signature() {
    let fleet = fleet_world();
    let execution = execution(phone().nonce(0), array![]);
    let whole = fleet.signature(phone(), execution);
    // The four felts of the signature are the last ones.
    for back in 1
        ..5_u32 {
            for value in array![
                0, 0x100000000000000000000000000000000, -1
            ] {
                let at = whole.len() - back;
                let mut felts = array![];
                felts.append_span(whole.slice(0, at));
                felts.append(value);
                felts.append_span(whole.slice(at + 1, back - 1));
                let outcome = fleet.attempt(execution, felts.span());
                fleet.assert_unused(phone().nonce(0), outcome, Refusals::NOT_SIGNED);
            };
        };
}

#[test]
fn a_revoked_device_is_refused_and_the_others_are_not() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.devices.revoke(sensor().leaf());
    fleet.forget_events();
    act_as(relayer());
    let execution = execution(0, array![]);
    let signature = fleet.signature(sensor(), execution);
    assert!(!fleet.outside.is_valid_device_signature(execution, signature));
    let outcome = fleet.try_act(sensor(), 0, array![fleet.job_at(PRICE)]);
    fleet.assert_unused(0, outcome, DeviceRefusals::REVOKED);
    fleet.act(camera(), 0, array![fleet.job_at(PRICE)]);
}

#[test]
fn the_root_before_counts_until_its_time_and_no_longer() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.devices.rotate('another root', START + 100);
    fleet.forget_events();
    act_as(relayer());
    at(START + 100);
    let outcome = fleet.try_act(sensor(), 0, array![fleet.job_at(PRICE)]);
    fleet.assert_unused(0, outcome, DeviceRefusals::NOT_IN_FLEET);
    at(START + 99);
    fleet.act(sensor(), 0, array![fleet.job_at(PRICE)]);
}

#[test]
fn a_root_that_was_ended_at_once_counts_no_more() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.devices.rotate('another root', 0);
    fleet.forget_events();
    act_as(relayer());
    let outcome = fleet.try_act(sensor(), 0, array![fleet.job_at(PRICE)]);
    fleet.assert_unused(0, outcome, DeviceRefusals::NOT_IN_FLEET);
}

#[test]
fn a_device_never_signs_for_the_account() {
    let fleet = fleet_world();
    let execution = execution(0, array![]);
    let message = fleet.message(execution);
    for device in array![
        sensor(), phone()
    ] {
        let mut felts = array![];
        felts.append_span(device.signature(message));
        assert_eq!(fleet.account.is_valid_signature(message, felts), 0);
    };
    let (r, s) = super::signer::sign(message, sensor().secret);
    assert_eq!(fleet.account.is_valid_signature(message, array![r, s]), 0);
}

#[test]
fn relayers_can_ask_whether_a_device_has_signed() {
    let fleet = fleet_world();
    for device in array![
        sensor(), camera(), phone()
    ] {
        let execution = execution(device.nonce(0), array![]);
        let signature = fleet.signature(device, execution);
        assert!(fleet.outside.is_valid_device_signature(execution, signature));
        let owner = fleet.owner_signature(execution);
        assert!(!fleet.outside.is_valid_device_signature(execution, owner));
    };
}
