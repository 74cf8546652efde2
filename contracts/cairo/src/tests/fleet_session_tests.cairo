//! The session policy: what it allows devices, and how the owner sets it.

use crate::components::owner_key::OwnerKeyComponent::Errors as OwnerErrors;
use crate::components::session::SessionComponent::{
    CALLS_MAX, DAY_S, Errors, Event, ModelAllowed, ModelDisallowed, PolicySet, Refusals
};
use crate::fleet_account::FleetAccount::Event as AccountEvent;
use crate::interfaces::fleet_account::{ISessionDispatcherTrait, ISessionSafeDispatcherTrait};
use crate::types::onchain_job::OnchainJobState;
use crate::types::session_policy::{AMOUNT_LIMIT, SessionPolicy, SpendingPolicy};
use starknet::account::Call;
use starknet::{SyscallResult, contract_address_const};
use super::fleet_world::{
    Fleet, FleetTrait, PER_DAY_MAX, PRICE_MAX, camera, fleet_world, policy, relayer, sensor
};
use super::jobs_world::{PRICE, SECOND, state_of};
use super::world::{act_as, assert_refused, at};

/// The first second of a day after `START`, within the time of the executions.
const MIDNIGHT: u64 = 12 * DAY_S;

fn spending(price_max: u128, per_day_max: u128, any_model: bool) -> SpendingPolicy {
    SpendingPolicy { price_max, per_day_max, any_model }
}

/// By the owner, through the account; then the relayer is the caller again.
fn set(fleet: Fleet, policy: SessionPolicy) {
    act_as(fleet.address);
    fleet.session.set_policy(policy);
    fleet.forget_events();
    act_as(relayer());
}

fn set_spending(fleet: Fleet, spending: SpendingPolicy) {
    set(fleet, SessionPolicy { spending, ..policy(fleet.world) });
}

fn assert_not_done(fleet: Fleet, calls: Array<Call>, reason: felt252) {
    assert_refused(fleet.try_act(sensor(), 9, calls), reason);
    assert_eq!(fleet.session.spent_today(), 0);
    fleet.expect_silence();
}

#[feature("safe_dispatcher")]
fn try_set(fleet: Fleet, policy: SessionPolicy) -> SyscallResult<()> {
    fleet.safe_session().set_policy(policy)
}

fn assert_not_set(fleet: Fleet, policy: SessionPolicy, reason: felt252) {
    assert_refused(try_set(fleet, policy), reason);
    assert_eq!(fleet.session.policy(), super::fleet_world::policy(fleet.world));
    fleet.expect_silence();
}

#[feature("safe_dispatcher")]
fn assert_models_refused(
    fleet: Fleet, add: felt252, remove: felt252, no_add: felt252, no_remove: felt252
) {
    assert_refused(fleet.safe_session().allow_model(add), no_add);
    assert_refused(fleet.safe_session().disallow_model(remove), no_remove);
    assert!(fleet.session.is_model_allowed('hash'));
    assert!(!fleet.session.is_model_allowed('hush'));
    fleet.expect_silence();
}

#[test]
fn a_call_to_another_contract_is_refused() {
    let fleet = fleet_world();
    let token = fleet.world.token.contract_address;
    for to in array![
        token, fleet.address, fleet.world.pool_address, contract_address_const::<0>()
    ] {
        let call = Call { to, ..fleet.job_at(PRICE) };
        assert_not_done(fleet, array![call], Refusals::OTHER_CONTRACT);
    };
}

#[test]
fn another_function_of_the_job_manager_is_refused() {
    let fleet = fleet_world();
    for selector in array![
        selector!("reclaim"), selector!("register_worker"), selector!("deliver"), 0
    ] {
        let call = Call { selector, ..fleet.job_at(PRICE) };
        assert_not_done(fleet, array![call], Refusals::OTHER_FUNCTION);
    };
}

#[test]
fn one_call_beside_the_policy_ends_them_all() {
    let fleet = fleet_world();
    let other = Call { to: fleet.world.pool_address, ..fleet.job_at(PRICE) };
    assert_not_done(fleet, array![fleet.job_at(PRICE), other], Refusals::OTHER_CONTRACT);
}

#[test]
fn a_price_at_the_limit_is_paid_and_one_above_is_refused() {
    let fleet = fleet_world();
    assert_not_done(fleet, array![fleet.job_at(PRICE_MAX + 1)], Refusals::PRICE_TOO_HIGH);
    fleet.act(sensor(), 0, array![fleet.job_at(PRICE_MAX)]);
    assert_eq!(fleet.session.spent_today(), PRICE_MAX);
}

#[test]
fn a_job_without_a_model_and_a_price_is_refused() {
    let fleet = fleet_world();
    let too_large = 0x100000000000000000000000000000000;
    for calldata in array![
        [].span(), ['hash'].span(), ['hash', too_large].span(), ['hash', -1, 1, 0, 0, 0].span()
    ] {
        let call = Call { calldata, ..fleet.job_at(PRICE) };
        assert_not_done(fleet, array![call], Refusals::MALFORMED_JOB);
    };
}

#[test]
fn what_follows_the_price_is_for_the_job_manager_to_refuse() {
    let fleet = fleet_world();
    let calldata = fleet.job_at(PRICE).calldata;
    let call = Call { calldata: calldata.slice(0, 3), ..fleet.job_at(PRICE) };
    assert!(fleet.try_act(sensor(), 9, array![call]).is_err());
    assert_eq!(state_of(fleet.world, SECOND), OnchainJobState::Absent);
}

#[test]
fn a_model_that_is_not_allowed_is_refused() {
    let fleet = fleet_world();
    assert_not_done(fleet, array![fleet.job_of('hush', PRICE)], Refusals::OTHER_MODEL);
    act_as(fleet.address);
    fleet.session.disallow_model('hash');
    fleet.forget_events();
    act_as(relayer());
    assert_not_done(fleet, array![fleet.job_at(PRICE)], Refusals::OTHER_MODEL);
}

#[test]
fn where_any_model_is_allowed_none_needs_to_be_named() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.session.disallow_model('hash');
    assert!(!fleet.session.is_model_allowed('hash'));
    set_spending(fleet, spending(PRICE_MAX, PER_DAY_MAX, true));
    assert!(fleet.session.is_model_allowed('hash'));
    fleet.act(sensor(), 0, array![fleet.job_at(PRICE)]);
    assert_eq!(fleet.session.spent_today(), PRICE);
}

#[test]
fn all_devices_share_the_limit_of_the_day() {
    let fleet = fleet_world();
    fleet.act(sensor(), 0, array![fleet.job_at(PRICE)]);
    fleet.act(camera(), 0, array![fleet.job_at(PER_DAY_MAX - PRICE)]);
    assert_eq!(fleet.session.spent_today(), PER_DAY_MAX);
    fleet.forget_events();
    let outcome = fleet.try_act(camera(), 1, array![fleet.job_at(10)]);
    assert_refused(outcome, Refusals::DAY_SPENT);
    assert_eq!(fleet.session.spent_today(), PER_DAY_MAX);
    assert_eq!(state_of(fleet.world, SECOND + 1), OnchainJobState::Absent);
    fleet.expect_silence();
}

#[test]
fn the_jobs_of_one_operation_count_together() {
    let fleet = fleet_world();
    let calls = array![fleet.job_at(PRICE), fleet.job_at(PRICE_MAX)];
    fleet.act(sensor(), 0, calls);
    assert_eq!(fleet.session.spent_today(), PER_DAY_MAX);
    at(MIDNIGHT);
    let calls = array![fleet.job_at(PRICE + 1), fleet.job_at(PRICE_MAX)];
    fleet.forget_events();
    assert_refused(fleet.try_act(sensor(), 1, calls), Refusals::DAY_SPENT);
    assert_eq!(fleet.session.spent_today(), 0);
}

#[test]
fn the_limit_begins_anew_at_midnight() {
    let fleet = fleet_world();
    set_spending(fleet, spending(PRICE_MAX, PRICE, false));
    at(MIDNIGHT - 1);
    fleet.act(sensor(), 0, array![fleet.job_until(PRICE, MIDNIGHT + 1)]);
    let outcome = fleet.try_act(sensor(), 1, array![fleet.job_until(10, MIDNIGHT + 1)]);
    assert_refused(outcome, Refusals::DAY_SPENT);
    assert_eq!(fleet.session.spent_today(), PRICE);
    at(MIDNIGHT);
    assert_eq!(fleet.session.spent_today(), 0);
    fleet.act(sensor(), 2, array![fleet.job_until(PRICE - 1, MIDNIGHT + 1)]);
    assert_eq!(fleet.session.spent_today(), PRICE - 1);
}

#[test]
fn more_calls_than_eight_are_refused() {
    let fleet = fleet_world();
    let mut calls = array![];
    for _ in 0..CALLS_MAX + 1 {
        calls.append(fleet.job_at(10));
    };
    assert_not_done(fleet, calls, Refusals::TOO_MANY_CALLS);
}

#[test]
fn a_job_manager_of_zero_ends_what_devices_may_do() {
    let fleet = fleet_world();
    let nobody = contract_address_const::<0>();
    set(fleet, SessionPolicy { job_manager: nobody, ..policy(fleet.world) });
    assert_not_done(fleet, array![fleet.job_at(PRICE)], Refusals::SESSION_CLOSED);
    assert_not_done(fleet, array![], Refusals::SESSION_CLOSED);
}

#[test]
fn the_owner_sets_the_policy_and_what_was_spent_stays_spent() {
    let fleet = fleet_world();
    fleet.act(sensor(), 0, array![fleet.job_at(PRICE)]);
    fleet.forget_events();
    act_as(fleet.address);
    let widest = SessionPolicy {
        job_manager: relayer(), spending: spending(AMOUNT_LIMIT - 1, AMOUNT_LIMIT - 1, true)
    };
    fleet.session.set_policy(widest);
    assert_eq!(fleet.session.policy(), widest);
    assert_eq!(fleet.session.spent_today(), PRICE);
    fleet.expect(AccountEvent::SessionEvent(Event::PolicySet(PolicySet { policy: widest })));
    let narrow = SessionPolicy { spending: spending(0, 1, false), ..widest };
    fleet.session.set_policy(narrow);
    assert_eq!(fleet.session.policy(), narrow);
}

#[test]
fn only_the_account_sets_the_policy_and_the_models() {
    let fleet = fleet_world();
    let open = SessionPolicy { spending: spending(1, 1, true), ..policy(fleet.world) };
    assert_not_set(fleet, open, OwnerErrors::ONLY_OWNER);
    assert_models_refused(fleet, 'hush', 'hash', OwnerErrors::ONLY_OWNER, OwnerErrors::ONLY_OWNER);
}

#[test]
fn amounts_over_120_bits_and_the_account_itself_are_no_policy() {
    let fleet = fleet_world();
    let good = policy(fleet.world);
    act_as(fleet.address);
    let job_manager = fleet.address;
    let itself = SessionPolicy { job_manager, ..good };
    assert_not_set(fleet, itself, Errors::JOB_MANAGER_IS_ACCOUNT);
    let dear = SessionPolicy { spending: spending(AMOUNT_LIMIT, 1, false), ..good };
    assert_not_set(fleet, dear, Errors::AMOUNT_TOO_LARGE);
    let wild = SessionPolicy { spending: spending(1, AMOUNT_LIMIT, false), ..good };
    assert_not_set(fleet, wild, Errors::AMOUNT_TOO_LARGE);
}

#[test]
fn the_owner_allows_models_and_takes_them_back() {
    let fleet = fleet_world();
    act_as(fleet.address);
    fleet.session.allow_model('hush');
    assert!(fleet.session.is_model_allowed('hush'));
    let allowed = Event::ModelAllowed(ModelAllowed { model: 'hush' });
    fleet.expect(AccountEvent::SessionEvent(allowed));
    fleet.session.disallow_model('hush');
    assert!(!fleet.session.is_model_allowed('hush'));
    let disallowed = Event::ModelDisallowed(ModelDisallowed { model: 'hush' });
    fleet.expect(AccountEvent::SessionEvent(disallowed));
    assert!(fleet.session.is_model_allowed('hash'));
}

#[test]
fn a_model_is_allowed_once_and_taken_back_once() {
    let fleet = fleet_world();
    act_as(fleet.address);
    assert_models_refused(fleet, 'hash', 'hush', Errors::ALREADY_ALLOWED, Errors::NOT_ALLOWED);
}
