//! Stakes and their unbonding.

use crate::components::stakes::StakesComponent::{Errors, Event, Staked, UnstakeAnnounced, Unstaked};
use crate::interfaces::pool::{
    IStakesDispatcherTrait, IStakesSafeDispatcher, IStakesSafeDispatcherTrait
};
use crate::pool::CdcPool::Event as PoolEvent;
use super::world::{
    START, UNBONDING, World, WorldTrait, act_as, assert_refused, at, empty_world, stranger, worker
};

fn safe(world: @World) -> IStakesSafeDispatcher {
    IStakesSafeDispatcher { contract_address: *world.pool_address }
}

fn with_stake(amount: u128) -> World {
    let world = empty_world();
    world.fund(worker(), amount);
    world.stakes.stake(amount);
    world.forget_events();
    world
}

#[test]
fn a_stake_is_credited_to_the_caller_and_held_by_the_pool() {
    let world = empty_world();
    world.fund(worker(), 100);
    world.stakes.stake(60);
    world
        .expect_of_pool(
            PoolEvent::StakesEvent(Event::Staked(Staked { worker: worker(), amount: 60 }))
        );
    world.stakes.stake(40);
    assert_eq!(world.stakes.stake_of(worker()), 100);
    assert_eq!(world.stakes.active_stake_of(worker()), 100);
    assert_eq!(world.balance_of(world.pool_address), 100);
}

#[test]
#[feature("safe_dispatcher")]
fn a_stake_of_nothing_is_refused() {
    let world = empty_world();
    assert_refused(safe(@world).stake(0), Errors::ZERO_AMOUNT);
}

#[test]
#[feature("safe_dispatcher")]
fn a_stake_without_approval_is_refused() {
    let world = empty_world();
    act_as(stranger());
    assert_refused(safe(@world).stake(1), 'test token: allowance');
}

#[test]
fn announced_stake_is_inactive_at_once_and_paid_when_unbonded() {
    let world = with_stake(100);
    world.stakes.announce_unstake(30);
    let ready_at = START + UNBONDING;
    let announced = UnstakeAnnounced { worker: worker(), amount: 30, ready_at };
    world.expect_of_pool(PoolEvent::StakesEvent(Event::UnstakeAnnounced(announced)));
    assert_eq!(world.stakes.announced_unstake_of(worker()), (30, ready_at));
    assert_eq!(world.stakes.active_stake_of(worker()), 70);
    assert_eq!(world.stakes.stake_of(worker()), 100);
    at(ready_at);
    world.stakes.unstake();
    world
        .expect_of_pool(
            PoolEvent::StakesEvent(Event::Unstaked(Unstaked { worker: worker(), amount: 30 }))
        );
    assert_eq!(world.stakes.stake_of(worker()), 70);
    assert_eq!(world.stakes.active_stake_of(worker()), 70);
    assert_eq!(world.balance_of(worker()), 30);
}

#[test]
#[feature("safe_dispatcher")]
fn unstaking_before_the_unbonding_is_over_is_refused() {
    let world = with_stake(100);
    world.stakes.announce_unstake(30);
    at(START + UNBONDING - 1);
    assert_refused(safe(@world).unstake(), Errors::UNBONDING);
}

#[test]
#[feature("safe_dispatcher")]
fn unstaking_what_was_not_announced_is_refused() {
    let world = with_stake(100);
    assert_refused(safe(@world).unstake(), Errors::NOT_ANNOUNCED);
}

#[test]
#[feature("safe_dispatcher")]
fn cancelling_an_unstake_makes_the_stake_active_again() {
    let world = with_stake(100);
    world.stakes.announce_unstake(100);
    assert_eq!(world.stakes.active_stake_of(worker()), 0);
    world.stakes.announce_unstake(0);
    assert_eq!(world.stakes.active_stake_of(worker()), 100);
    assert_eq!(world.stakes.announced_unstake_of(worker()), (0, 0));
    at(START + UNBONDING);
    assert_refused(safe(@world).unstake(), Errors::NOT_ANNOUNCED);
}

#[test]
fn announcing_more_than_the_stake_leaves_nothing_active_and_pays_the_stake() {
    let world = with_stake(100);
    world.stakes.announce_unstake(101);
    assert_eq!(world.stakes.active_stake_of(worker()), 0);
    at(START + UNBONDING);
    world.stakes.unstake();
    assert_eq!(world.balance_of(worker()), 100);
    assert_eq!(world.stakes.stake_of(worker()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn unstaking_from_no_stake_is_refused() {
    let world = empty_world();
    act_as(worker());
    world.stakes.announce_unstake(1);
    at(START + UNBONDING);
    assert_refused(safe(@world).unstake(), Errors::NOTHING_LEFT);
}
