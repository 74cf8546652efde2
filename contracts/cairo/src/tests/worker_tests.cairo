//! Workers' keys.

use crate::components::worker_keys::WorkerKeysComponent::{
    Errors, Event, WorkerDeregistered, WorkerRegistered
};
use crate::interfaces::job_manager::{
    ISettlementDispatcherTrait, IWorkersDispatcherTrait, IWorkersSafeDispatcher,
    IWorkersSafeDispatcherTrait
};
use crate::interfaces::pool::{
    IPoolDispatcherTrait, ISponsorsDispatcherTrait, IStakesDispatcherTrait
};
use crate::job_manager::JobManager::{
    Event as ManagerEvent, Refusals, StatementRefused, StatementSettled
};
use crate::types::statement::Statement;
use starknet::testing::pop_log_raw;
use super::signer::public_key;
use super::world::{
    MIN_STAKE, START, WINDOW, WORKER_SECRET, World, WorldTrait, act_as, assert_refused, at,
    busy_world, empty_world, first_statement, operator, sponsor, stranger, worker
};

fn safe(world: @World) -> IWorkersSafeDispatcher {
    IWorkersSafeDispatcher { contract_address: *world.manager_address }
}

fn with_stake(amount: u128) -> World {
    let world = empty_world();
    world.fund(worker(), amount);
    world.stakes.stake(amount);
    world
}

/// `busy_world` with the worker as caller.
fn registered_world() -> World {
    let world = busy_world();
    act_as(worker());
    world
}

fn deregistered() -> ManagerEvent {
    let deregistered = WorkerDeregistered { worker: worker() };
    ManagerEvent::WorkerKeysEvent(Event::WorkerDeregistered(deregistered))
}

/// Settles one statement at each of the times, and leaves the worker as caller.
fn pay_at(world: World, times: Span<u64>) {
    let mut seq = 1;
    for time in times {
        at(*time);
        world.pay(seq, 100);
        seq += 1;
    };
    world.forget_events();
    act_as(worker());
}

#[feature("safe_dispatcher")]
fn assert_stays(world: World, reason: felt252) {
    let key = world.workers.worker_key(worker());
    assert_refused(safe(@world).deregister_worker(), reason);
    assert_eq!(world.workers.worker_key(worker()), key);
    assert!(pop_log_raw(world.manager_address).is_none());
}

#[test]
fn a_worker_with_enough_stake_registers_its_key() {
    let world = with_stake(MIN_STAKE);
    let key = public_key(1);
    assert_eq!(world.workers.worker_key(worker()), 0);
    world.workers.register_worker(key);
    assert_eq!(world.workers.worker_key(worker()), key);
    assert_eq!(world.workers.was_worker_key(worker(), key), START);
    assert_eq!(world.workers.was_worker_key(stranger(), key), 0);
    let registered = WorkerRegistered { worker: worker(), public_key: key };
    world.expect_of_manager(ManagerEvent::WorkerKeysEvent(Event::WorkerRegistered(registered)));
}

#[test]
fn a_rotated_key_stays_attributable_since_its_first_day() {
    let world = with_stake(MIN_STAKE);
    let (first, second) = (public_key(1), public_key(2));
    world.workers.register_worker(first);
    at(START + 10);
    world.workers.register_worker(second);
    assert_eq!(world.workers.worker_key(worker()), second);
    assert_eq!(world.workers.was_worker_key(worker(), first), START);
    assert_eq!(world.workers.was_worker_key(worker(), second), START + 10);
    at(START + 20);
    world.workers.register_worker(first);
    assert_eq!(world.workers.was_worker_key(worker(), first), START);
}

#[test]
#[feature("safe_dispatcher")]
fn a_worker_below_the_minimum_stake_is_refused() {
    let world = with_stake(MIN_STAKE - 1);
    assert_refused(safe(@world).register_worker(public_key(1)), Errors::STAKE_TOO_LOW);
    assert_eq!(world.workers.worker_key(worker()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn announced_stake_does_not_count_for_registration() {
    let world = with_stake(MIN_STAKE);
    world.stakes.announce_unstake(1);
    assert_refused(safe(@world).register_worker(public_key(1)), Errors::STAKE_TOO_LOW);
}

#[test]
#[feature("safe_dispatcher")]
fn someone_elses_stake_does_not_count() {
    let world = with_stake(MIN_STAKE);
    act_as(stranger());
    assert_refused(safe(@world).register_worker(public_key(1)), Errors::STAKE_TOO_LOW);
}

#[test]
#[feature("safe_dispatcher")]
fn what_is_no_point_of_the_curve_is_no_key() {
    let world = with_stake(MIN_STAKE);
    // 5 is the x coordinate of no point: 5^3 + 5 + beta is not a square.
    for key in array![
        0, 5
    ] {
        assert_refused(safe(@world).register_worker(key), Errors::NOT_A_KEY);
    };
}

#[test]
fn a_worker_that_was_never_paid_deregisters_at_once() {
    let world = registered_world();
    world.workers.deregister_worker();
    world.expect_of_manager(deregistered());
    assert!(pop_log_raw(world.manager_address).is_none());
    assert_eq!(world.workers.worker_key(worker()), 0);
    assert_eq!(world.stakes.stake_of(worker()), MIN_STAKE);
}

#[test]
fn a_deregistered_event_has_two_keys_and_no_data() {
    let world = registered_world();
    world.workers.deregister_worker();
    let (keys, data) = pop_log_raw(world.manager_address).unwrap();
    assert_eq!(keys, [selector!("WorkerDeregistered"), worker().into()].span());
    assert_eq!(data, [].span());
}

#[test]
fn every_key_of_a_deregistered_worker_stays_attributable() {
    let world = registered_world();
    at(START + 10);
    world.workers.register_worker(public_key(2));
    at(START + 20);
    world.workers.deregister_worker();
    assert_eq!(world.workers.was_worker_key(worker(), public_key(WORKER_SECRET)), START);
    assert_eq!(world.workers.was_worker_key(worker(), public_key(2)), START + 10);
    assert_eq!(world.workers.was_worker_key(worker(), 0), 0);
}

#[test]
fn a_worker_that_is_not_registered_does_not_deregister() {
    let world = with_stake(MIN_STAKE);
    world.forget_events();
    assert_stays(world, Errors::NOT_REGISTERED);
}

#[test]
fn a_worker_deregisters_only_once() {
    let world = registered_world();
    world.workers.deregister_worker();
    world.forget_events();
    assert_stays(world, Errors::NOT_REGISTERED);
}

#[test]
fn nobody_deregisters_another_worker() {
    let world = registered_world();
    act_as(stranger());
    assert_stays(world, Errors::NOT_REGISTERED);
    world.add_worker(stranger(), MIN_STAKE, 1);
    world.workers.deregister_worker();
    assert_eq!(world.workers.worker_key(stranger()), 0);
    assert_eq!(world.workers.worker_key(worker()), public_key(WORKER_SECRET));
}

#[test]
fn a_worker_stays_until_its_pay_leaves_the_challenge_window() {
    let world = registered_world();
    pay_at(world, [START + 1].span());
    let exposed_until = START + 2 * WINDOW;
    assert_eq!(world.stakes.exposed_until(worker()), exposed_until);
    assert_stays(world, Errors::STILL_EXPOSED);
    at(exposed_until - 1);
    assert_stays(world, Errors::STILL_EXPOSED);
    at(exposed_until);
    world.workers.deregister_worker();
    world.expect_of_manager(deregistered());
    assert_eq!(world.workers.worker_key(worker()), 0);
    assert_eq!(world.pending_of(worker()), (0, 100));
}

#[test]
fn the_last_pay_decides_how_long_a_worker_stays() {
    let world = registered_world();
    pay_at(world, [START, START + 2 * WINDOW - 1].span());
    at(START + 3 * WINDOW - 1);
    assert_stays(world, Errors::STILL_EXPOSED);
    at(START + 3 * WINDOW);
    world.workers.deregister_worker();
    world.expect_of_manager(deregistered());
}

#[test]
fn a_deregistered_worker_still_claims_its_pay_and_takes_its_stake() {
    let world = registered_world();
    pay_at(world, [START].span());
    at(START + 2 * WINDOW);
    world.workers.deregister_worker();
    world.claim(worker());
    assert_eq!(world.balance_of(worker()), 100);
    world.stakes.announce_unstake(MIN_STAKE);
    at(START + 2 * WINDOW + world.stakes.unbonding_s());
    world.stakes.unstake();
    assert_eq!(world.balance_of(worker()), 100 + MIN_STAKE.into());
}

#[test]
fn a_statement_of_a_deregistered_worker_is_refused_until_it_registers_again() {
    let world = registered_world();
    let signed = world.sign(first_statement());
    world.workers.deregister_worker();
    world.forget_events();
    act_as(operator());
    world.settlement.settle(array![signed]);
    let (sponsor, worker, operator) = (sponsor(), worker(), operator());
    let Statement { seq, count, amount, receipts, .. } = first_statement();
    let reason = Refusals::WORKER_NOT_REGISTERED;
    let refused = StatementRefused { sponsor, worker, operator, seq, reason };
    world.expect_of_manager(ManagerEvent::StatementRefused(refused));
    assert_eq!(world.pending_of(worker), (0, 0));
    assert_eq!(world.sponsors.deposit_of(sponsor, operator), 10_000);
    assert_eq!(world.pool.last_seq(sponsor, operator, worker), 0);
    act_as(worker);
    world.workers.register_worker(public_key(WORKER_SECRET));
    world.forget_events();
    act_as(operator);
    world.settlement.settle(array![signed]);
    let settled = StatementSettled { sponsor, worker, operator, seq, count, amount, receipts };
    world.expect_of_manager(ManagerEvent::StatementSettled(settled));
}

#[test]
fn a_deregistered_worker_registers_again_with_an_old_or_a_new_key() {
    let world = registered_world();
    let old = public_key(WORKER_SECRET);
    at(START + 10);
    for key in array![
        old, public_key(2)
    ] {
        world.workers.deregister_worker();
        world.forget_events();
        world.workers.register_worker(key);
        let registered = WorkerRegistered { worker: worker(), public_key: key };
        world.expect_of_manager(ManagerEvent::WorkerKeysEvent(Event::WorkerRegistered(registered)));
        assert_eq!(world.workers.worker_key(worker()), key);
    };
    assert_eq!(world.workers.was_worker_key(worker(), old), START);
    assert_eq!(world.workers.was_worker_key(worker(), public_key(2)), START + 10);
}

#[test]
#[feature("safe_dispatcher")]
fn a_deregistered_worker_without_the_stake_does_not_register_again() {
    let world = registered_world();
    world.workers.deregister_worker();
    world.stakes.announce_unstake(1);
    let outcome = safe(@world).register_worker(public_key(WORKER_SECRET));
    assert_refused(outcome, Errors::STAKE_TOO_LOW);
    assert_eq!(world.workers.worker_key(worker()), 0);
}
