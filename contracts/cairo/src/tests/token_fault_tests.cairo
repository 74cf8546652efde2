//! A token that lies, takes a fee, refuses or calls back cannot credit or pay anyone wrongly.

use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPoolDispatcherTrait, ISponsorsDispatcherTrait,
    IStakesDispatcherTrait
};
use super::test_token::{ITestTokenDispatcherTrait, Mood};
use super::world::{
    NOTICE, START, UNBONDING, WINDOW, World, WorldTrait, act_as, at, busy_world, operator, sponsor,
    worker
};

/// The worker has 300 to claim, the sponsor 100 to withdraw, both have 50 to put in.
fn ripe_world() -> World {
    let world = busy_world();
    world.pay(1, 300);
    act_as(worker());
    world.stakes.announce_unstake(100);
    world.fund(worker(), 50);
    world.fund(sponsor(), 50);
    world.sponsors.announce_withdrawal(operator(), 100);
    at(START + UNBONDING + NOTICE + 2 * WINDOW);
    world
}

#[test]
#[should_panic(expected: ('token moved another amount', 'ENTRYPOINT_FAILED'))]
fn a_token_that_lies_credits_no_deposit() {
    let world = ripe_world();
    world.token.set_mood(Mood::LIES);
    world.sponsors.deposit(operator(), 50);
}

#[test]
#[should_panic(expected: ('token moved another amount', 'ENTRYPOINT_FAILED'))]
fn a_token_that_takes_a_fee_credits_no_deposit() {
    let world = ripe_world();
    world.token.set_mood(Mood::TAKES_FEE);
    world.sponsors.deposit(operator(), 50);
}

#[test]
#[should_panic(expected: ('token refused the pull', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_credits_no_deposit() {
    let world = ripe_world();
    world.token.set_mood(Mood::REFUSES);
    world.sponsors.deposit(operator(), 50);
}

#[test]
#[should_panic(expected: ('token moved another amount', 'ENTRYPOINT_FAILED'))]
fn a_token_that_lies_credits_no_stake() {
    let world = ripe_world();
    world.token.set_mood(Mood::LIES);
    act_as(worker());
    world.stakes.stake(50);
}

#[test]
#[should_panic(expected: ('token refused the payout', 'ENTRYPOINT_FAILED'))]
fn a_refused_withdrawal_reverts() {
    let world = ripe_world();
    world.token.set_mood(Mood::REFUSES);
    world.sponsors.withdraw(operator());
}

#[test]
#[should_panic(expected: ('token refused the payout', 'ENTRYPOINT_FAILED'))]
fn a_refused_unstake_reverts() {
    let world = ripe_world();
    world.token.set_mood(Mood::REFUSES);
    act_as(worker());
    world.stakes.unstake();
}

#[test]
#[should_panic(expected: ('token refused the payout', 'ENTRYPOINT_FAILED'))]
fn a_refused_claim_reverts() {
    let world = ripe_world();
    world.token.set_mood(Mood::REFUSES);
    world.claim(worker());
}

/// The token is the caller of the second call, so it deposits, stakes and withdraws for itself.
fn token_is_a_sponsor_and_a_worker(world: World) {
    let token = world.token.contract_address;
    world.fund(token, 200);
    world.sponsors.deposit(operator(), 100);
    world.stakes.stake(50);
    world.sponsors.announce_withdrawal(operator(), 10);
    world.stakes.announce_unstake(10);
    at(START + 100 * WINDOW);
    act_as(sponsor());
}

#[test]
#[should_panic(
    expected: ('reentrant call', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_deposit_inside_a_deposit_is_refused() {
    let world = ripe_world();
    token_is_a_sponsor_and_a_worker(world);
    world.token.reenter_with(selector!("deposit"), [operator().into(), 50].span());
    world.sponsors.deposit(operator(), 50);
}

#[test]
#[should_panic(
    expected: ('reentrant call', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_stake_inside_a_deposit_is_refused() {
    let world = ripe_world();
    token_is_a_sponsor_and_a_worker(world);
    world.token.reenter_with(selector!("stake"), [50].span());
    world.sponsors.deposit(operator(), 50);
}

#[test]
#[should_panic(
    expected: ('reentrant call', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_withdrawal_inside_a_deposit_is_refused() {
    let world = ripe_world();
    token_is_a_sponsor_and_a_worker(world);
    world.token.reenter_with(selector!("withdraw"), [operator().into()].span());
    world.sponsors.deposit(operator(), 50);
}

#[test]
#[should_panic(
    expected: ('reentrant call', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_withdrawal_inside_a_withdrawal_is_refused() {
    let world = ripe_world();
    token_is_a_sponsor_and_a_worker(world);
    world.token.reenter_with(selector!("withdraw"), [operator().into()].span());
    world.sponsors.withdraw(operator());
}

#[test]
#[should_panic(
    expected: ('nothing to claim', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_claim_inside_the_same_claim_finds_nothing() {
    let world = ripe_world();
    world.token.reenter_with(selector!("claim"), [worker().into(), 1, sponsor().into()].span());
    world.claim(worker());
}

#[test]
#[should_panic(
    expected: ('reentrant call', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_claim_inside_a_withdrawal_is_refused() {
    let world = ripe_world();
    world.token.reenter_with(selector!("claim"), [worker().into(), 1, sponsor().into()].span());
    world.sponsors.withdraw(operator());
}

#[test]
#[should_panic(
    expected: ('reentrant call', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn an_unstake_inside_an_unstake_is_refused() {
    let world = ripe_world();
    token_is_a_sponsor_and_a_worker(world);
    world.token.reenter_with(selector!("unstake"), [].span());
    act_as(worker());
    world.stakes.unstake();
}

#[test]
#[should_panic(
    expected: ('nothing to return', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED')
)]
fn a_return_inside_the_same_return_finds_nothing() {
    let world = busy_world();
    world.pay(1, 300);
    act_as(world.manager_address);
    world.pool.slash(worker(), sponsor());
    let arguments = [worker().into(), 1, sponsor().into()].span();
    world.token.reenter_with(selector!("return_pay"), arguments);
    world.pay.return_pay(worker(), [sponsor()].span());
}

#[test]
#[should_panic(expected: ('token refused the payout', 'ENTRYPOINT_FAILED'))]
fn a_refused_return_reverts() {
    let world = busy_world();
    world.pay(1, 300);
    act_as(world.manager_address);
    world.pool.slash(worker(), sponsor());
    world.token.set_mood(Mood::REFUSES);
    world.pay.return_pay(worker(), [sponsor()].span());
}
