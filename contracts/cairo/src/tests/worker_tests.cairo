//! Workers' keys.

use crate::components::worker_keys::WorkerKeysComponent::{Errors, Event, WorkerRegistered};
use crate::interfaces::job_manager::{
    IWorkersDispatcherTrait, IWorkersSafeDispatcher, IWorkersSafeDispatcherTrait
};
use crate::interfaces::pool::IStakesDispatcherTrait;
use crate::job_manager::JobManager::{Errors as ManagerErrors, Event as ManagerEvent};
use super::signer::public_key;
use super::world::{
    MIN_STAKE, START, World, WorldTrait, act_as, assert_refused, at, empty_world, stranger, worker
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
    assert_refused(safe(@world).register_worker(public_key(1)), ManagerErrors::STAKE_TOO_LOW);
    assert_eq!(world.workers.worker_key(worker()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn announced_stake_does_not_count_for_registration() {
    let world = with_stake(MIN_STAKE);
    world.stakes.announce_unstake(1);
    assert_refused(safe(@world).register_worker(public_key(1)), ManagerErrors::STAKE_TOO_LOW);
}

#[test]
#[feature("safe_dispatcher")]
fn someone_elses_stake_does_not_count() {
    let world = with_stake(MIN_STAKE);
    act_as(stranger());
    assert_refused(safe(@world).register_worker(public_key(1)), ManagerErrors::STAKE_TOO_LOW);
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
