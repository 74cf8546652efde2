//! Deposits, withdrawals and allowances.

use core::num::traits::Zero;
use crate::components::sponsors::SponsorsComponent::{
    AllowanceSet, Deposited, Errors, Event, Withdrawn, WithdrawalAnnounced
};
use crate::interfaces::pool::{
    ISponsorsDispatcherTrait, ISponsorsSafeDispatcher, ISponsorsSafeDispatcherTrait
};
use crate::pool::CdcPool::Event as PoolEvent;
use super::world::{
    NOTICE, START, World, WorldTrait, act_as, assert_refused, at, empty_world, operator, sponsor,
    stranger
};

const EVERYTHING: u128 = 0xffffffffffffffffffffffffffffffff;

fn safe(world: @World) -> ISponsorsSafeDispatcher {
    ISponsorsSafeDispatcher { contract_address: *world.pool_address }
}

fn with_deposit(amount: u128) -> World {
    let world = empty_world();
    world.fund(sponsor(), amount);
    world.sponsors.deposit(operator(), amount);
    world.forget_events();
    world
}

#[test]
fn a_deposit_is_credited_to_the_caller_and_held_by_the_pool() {
    let world = empty_world();
    world.fund(sponsor(), 100);
    world.sponsors.deposit(operator(), 60);
    world
        .expect_of_pool(
            PoolEvent::SponsorsEvent(
                Event::Deposited(Deposited { sponsor: sponsor(), operator: operator(), amount: 60 })
            )
        );
    world.sponsors.deposit(operator(), 40);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 100);
    assert_eq!(world.sponsors.deposit_of(stranger(), operator()), 0);
    assert_eq!(world.balance_of(world.pool_address), 100);
    assert_eq!(world.balance_of(sponsor()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn a_deposit_of_nothing_is_refused() {
    let world = empty_world();
    assert_refused(safe(@world).deposit(operator(), 0), Errors::ZERO_AMOUNT);
}

#[test]
#[feature("safe_dispatcher")]
fn a_deposit_without_approval_is_refused() {
    let world = empty_world();
    act_as(stranger());
    assert_refused(safe(@world).deposit(operator(), 1), 'test token: allowance');
}

#[test]
fn an_announced_withdrawal_is_paid_when_the_notice_is_over() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(operator(), 30);
    let ready_at = START + NOTICE;
    let announced = WithdrawalAnnounced {
        sponsor: sponsor(), operator: operator(), amount: 30, ready_at
    };
    world.expect_of_pool(PoolEvent::SponsorsEvent(Event::WithdrawalAnnounced(announced)));
    assert_eq!(world.sponsors.announced_withdrawal_of(sponsor(), operator()), (30, ready_at));
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 100);
    at(ready_at);
    world.sponsors.withdraw(operator());
    world
        .expect_of_pool(
            PoolEvent::SponsorsEvent(
                Event::Withdrawn(Withdrawn { sponsor: sponsor(), operator: operator(), amount: 30 })
            )
        );
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 70);
    assert_eq!(world.sponsors.announced_withdrawal_of(sponsor(), operator()), (0, 0));
    assert_eq!(world.balance_of(sponsor()), 30);
}

#[test]
#[feature("safe_dispatcher")]
fn a_withdrawal_before_the_notice_is_over_is_refused() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(operator(), 30);
    at(START + NOTICE - 1);
    assert_refused(safe(@world).withdraw(operator()), Errors::NOTICE_RUNNING);
    assert_eq!(world.balance_of(sponsor()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn a_withdrawal_that_was_not_announced_is_refused() {
    let world = with_deposit(100);
    assert_refused(safe(@world).withdraw(operator()), Errors::NOT_ANNOUNCED);
}

#[test]
#[feature("safe_dispatcher")]
fn an_announcement_pays_only_once() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(operator(), 30);
    at(START + NOTICE);
    world.sponsors.withdraw(operator());
    assert_refused(safe(@world).withdraw(operator()), Errors::NOT_ANNOUNCED);
    assert_eq!(world.balance_of(sponsor()), 30);
}

#[test]
#[feature("safe_dispatcher")]
fn a_new_announcement_replaces_the_old_one_and_restarts_the_notice() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(operator(), 30);
    at(START + NOTICE);
    world.sponsors.announce_withdrawal(operator(), 20);
    assert_refused(safe(@world).withdraw(operator()), Errors::NOTICE_RUNNING);
    at(START + 2 * NOTICE);
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 20);
}

#[test]
#[feature("safe_dispatcher")]
fn announcing_zero_cancels() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(operator(), 30);
    world.forget_events();
    world.sponsors.announce_withdrawal(operator(), 0);
    let cancelled = WithdrawalAnnounced {
        sponsor: sponsor(), operator: operator(), amount: 0, ready_at: 0
    };
    world.expect_of_pool(PoolEvent::SponsorsEvent(Event::WithdrawalAnnounced(cancelled)));
    at(START + NOTICE);
    assert_refused(safe(@world).withdraw(operator()), Errors::NOT_ANNOUNCED);
}

#[test]
fn announcing_more_than_the_deposit_pays_the_deposit() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(operator(), EVERYTHING);
    at(START + NOTICE);
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 100);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn withdrawing_from_an_empty_deposit_is_refused() {
    let world = empty_world();
    act_as(sponsor());
    world.sponsors.announce_withdrawal(operator(), 1);
    at(START + NOTICE);
    assert_refused(safe(@world).withdraw(operator()), Errors::NOTHING_LEFT);
}

#[test]
#[feature("safe_dispatcher")]
fn a_deposit_for_nobody_is_refused() {
    let world = empty_world();
    world.fund(sponsor(), 1);
    assert_refused(safe(@world).deposit(Zero::zero(), 1), Errors::OPERATOR_IS_ZERO);
    assert_eq!(world.balance_of(sponsor()), 1);
}

#[test]
fn deposits_for_two_operators_are_two_deposits() {
    let world = with_deposit(100);
    world.fund(sponsor(), 40);
    world.sponsors.deposit(stranger(), 40);
    world.sponsors.announce_withdrawal(stranger(), EVERYTHING);
    assert_eq!(world.sponsors.announced_withdrawal_of(sponsor(), operator()), (0, 0));
    at(START + NOTICE);
    world.sponsors.withdraw(stranger());
    assert_eq!(world.balance_of(sponsor()), 40);
    assert_eq!(world.sponsors.deposit_of(sponsor(), stranger()), 0);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 100);
}

#[test]
#[feature("safe_dispatcher")]
fn an_announcement_for_one_operator_pays_nothing_of_anothers_deposit() {
    let world = with_deposit(100);
    world.sponsors.announce_withdrawal(stranger(), EVERYTHING);
    at(START + NOTICE);
    assert_refused(safe(@world).withdraw(operator()), Errors::NOT_ANNOUNCED);
    assert_refused(safe(@world).withdraw(stranger()), Errors::NOTHING_LEFT);
}

#[test]
fn allowances_are_set_by_their_sponsor_alone() {
    let world = empty_world();
    act_as(sponsor());
    for amount in array![
        10, 50
    ] {
        let before = world.sponsors.allowance_per_epoch(sponsor(), operator());
        world.sponsors.set_allowance(operator(), amount);
        let set = AllowanceSet {
            sponsor: sponsor(), operator: operator(), per_epoch: amount, counts_from: START, before
        };
        world.expect_of_pool(PoolEvent::SponsorsEvent(Event::AllowanceSet(set)));
        assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), amount);
    };
    act_as(stranger());
    world.sponsors.set_allowance(operator(), 7);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 50);
    assert_eq!(world.sponsors.allowance_of(stranger(), operator()), 7);
}
