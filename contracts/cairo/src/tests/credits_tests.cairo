//! Credits: due on claimed pay alone, by a schedule that halves, and minted by nobody else.

use core::num::traits::{Bounded, Zero};
use crate::components::credits::CreditsComponent::{CreditsMinted, Errors, Event, due};
use crate::interfaces::job_manager::{
    ICreditsDispatcherTrait, ICreditsSafeDispatcher, ICreditsSafeDispatcherTrait,
    ISettlementDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPendingPaySafeDispatcher, IPendingPaySafeDispatcherTrait,
    IPoolDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::parameters::ManagerParameters;
use crate::types::statement::Statement;
use starknet::testing::pop_log_raw;
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::test_credits::{
    ITestCreditsDispatcher, ITestCreditsDispatcherTrait, ITestCreditsSafeDispatcher,
    ITestCreditsSafeDispatcherTrait
};
use super::world::{
    CREDITS_CAP, Parameters, START, WINDOW, WORKER_SECRET, World, WorldTrait, act_as,
    assert_refused, at, busy_world, deploy, empty_world, first_statement, good_parameters, guardian,
    operator, registrar, sponsor, stranger, worker
};

const RICH: u128 = 100_000_000;
const MATURE: u64 = START + 2 * WINDOW;
const RIVAL_SECRET: felt252 = 'rival';
const TWO_POW_126: u128 = 0x40000000000000000000000000000000;
const TWO_POW_127: u128 = 0x80000000000000000000000000000000;

fn max() -> u128 {
    Bounded::MAX
}

fn rival() -> ContractAddress {
    contract_address_const::<'rival'>()
}

/// A worker, a second one, and a sponsor that can end every era.
fn rich_world() -> World {
    let world = empty_world();
    world.add_worker(worker(), 500, WORKER_SECRET);
    world.add_worker(rival(), 500, RIVAL_SECRET);
    world.add_sponsor(sponsor(), RICH, RICH);
    world.forget_events();
    world
}

/// The worker has claimed this much at `MATURE`.
fn claimed_world(amount: u128) -> World {
    let world = rich_world();
    world.pay(1, amount);
    at(MATURE);
    world.claim(worker());
    world.forget_events();
    world
}

/// Pays the worker by the statement with this number, waits out the window and claims.
fn earn(world: World, seq: u128, amount: u128, from: u64) {
    at(from);
    world.pay(seq, amount);
    at(from + 2 * WINDOW);
    world.claim(worker());
    world.forget_events();
}

fn pay_rival(world: World, amount: u128) {
    act_as(operator());
    let statement = Statement { worker: rival(), amount, ..first_statement() };
    world.settlement.settle(array![world.sign_with(statement, RIVAL_SECRET)]);
}

fn token(world: World) -> ITestCreditsDispatcher {
    ITestCreditsDispatcher { contract_address: world.credits.credits() }
}

fn credits_of(world: World, account: ContractAddress) -> u256 {
    token(world).balance_of(account)
}

fn minted(worker: ContractAddress, pay: u128, amount: u128) -> ManagerEvent {
    ManagerEvent::CreditsEvent(Event::CreditsMinted(CreditsMinted { worker, pay, amount }))
}

#[feature("safe_dispatcher")]
fn try_mint(world: World, worker: ContractAddress) -> SyscallResult<()> {
    ICreditsSafeDispatcher { contract_address: world.manager_address }.mint_credits(worker)
}

/// Sees a mint for this worker refused, with nothing changed.
fn assert_nothing_due(world: World, worker: ContractAddress) {
    let supply = world.credits.credits_minted();
    let balance = credits_of(world, worker);
    world.forget_events();
    assert_eq!(world.credits.credits_due(worker), 0);
    assert_refused(try_mint(world, worker), Errors::NOTHING_DUE);
    assert_eq!(world.credits.credits_minted(), supply);
    assert_eq!(credits_of(world, worker), balance);
    assert!(pop_log_raw(world.manager_address).is_none());
}

/// Mints and sees this much arrive.
fn assert_mints(world: World, pay: u128, amount: u128) {
    let before = credits_of(world, worker());
    let supply = world.credits.credits_minted();
    assert_eq!(world.credits.credits_due(worker()), amount);
    world.credits.mint_credits(worker());
    world.expect_of_manager(minted(worker(), pay, amount));
    assert_eq!(credits_of(world, worker()), before + amount.into());
    assert_eq!(world.credits.credits_minted(), supply + amount);
}

// The schedule

#[test]
fn the_first_half_of_the_cap_is_one_for_one() {
    for pay in array![1, 2, 499_999, 500_000] {
        assert_eq!(due(pay, 0, CREDITS_CAP), pay);
    };
    assert_eq!(due(1, 499_999, CREDITS_CAP), 1);
}

#[test]
fn each_era_mints_half_of_what_is_left_at_half_the_rate() {
    let eras = array![
        (500_000, 2),
        (750_000, 4),
        (875_000, 8),
        (937_500, 16),
        (968_750, 32),
        (984_375, 64),
        (992_187, 128)
    ];
    for (
        start, fri_per_credit
    ) in eras {
        assert_eq!(due(fri_per_credit, start, CREDITS_CAP), 1);
        assert_eq!(due(10 * fri_per_credit, start, CREDITS_CAP), 10);
        assert_eq!(due(fri_per_credit - 1, start, CREDITS_CAP), 0);
        assert_eq!(due(fri_per_credit / 2, start - 1, CREDITS_CAP), 1);
    };
}

#[test]
fn a_payment_that_ends_an_era_is_split_there() {
    assert_eq!(due(500_001, 0, CREDITS_CAP), 500_000);
    assert_eq!(due(500_002, 0, CREDITS_CAP), 500_001);
    assert_eq!(due(30, 499_990, CREDITS_CAP), 20);
    assert_eq!(due(1_000_000, 0, CREDITS_CAP), 750_000);
    assert_eq!(due(1_000_003, 0, CREDITS_CAP), 750_000);
    assert_eq!(due(1_000_004, 0, CREDITS_CAP), 750_001);
}

#[test]
fn a_payment_may_span_three_eras() {
    assert_eq!(due(1 + 500_000 + 11, 499_999, CREDITS_CAP), 1 + 250_000 + 2);
    assert_eq!(due(500_000 + 500_000 + 500_000 + 8, 0, CREDITS_CAP), 875_001);
}

#[test]
fn credits_are_rounded_down() {
    for (
        pay, credits
    ) in array![
        (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)
    ] {
        assert_eq!(due(pay, 600_000, CREDITS_CAP), credits);
    };
}

#[test]
fn a_payment_in_parts_never_gives_more_than_in_one() {
    for (
        first, second
    ) in array![
        (1, 1), (499_999, 3), (500_001, 500_001), (750_001, 999_999), (3, 12_345_678)
    ] {
        for minted in array![
            0, 499_999, 500_000, 749_999, 990_000
        ] {
            let early = due(first, minted, CREDITS_CAP);
            let late = due(second, minted + early, CREDITS_CAP);
            let whole = due(first + second, minted, CREDITS_CAP);
            assert!(early + late <= whole);
            assert!(whole <= early + late + 1);
        };
    };
}

#[test]
fn no_pay_gives_no_credits() {
    for cap in array![0, 1, 2, CREDITS_CAP, TWO_POW_127] {
        assert_eq!(due(0, 0, cap), 0);
    };
    for minted in array![
        1, 499_999, 500_000, 750_000, 999_999
    ] {
        assert_eq!(due(0, minted, CREDITS_CAP), 0);
    };
}

#[test]
fn the_greatest_pay_does_not_pass_the_cap() {
    for minted in array![
        0, 1, 499_999, 500_000, 500_001, 992_187, 999_998, 999_999
    ] {
        assert_eq!(minted + due(max(), minted, CREDITS_CAP), CREDITS_CAP - 1);
    };
    assert_eq!(due(max(), CREDITS_CAP, CREDITS_CAP), 0);
}

#[test]
fn the_last_credit_of_a_cap_is_never_minted() {
    for (
        cap, all
    ) in array![
        (0, 0), (1, 0), (2, 1), (3, 2), (7, 6), (8, 7), (1_001, 1_000)
    ] {
        assert_eq!(due(max(), 0, cap), all);
        assert_eq!(due(max(), all, cap), 0);
    };
}

#[test]
fn odd_caps_round_the_eras_down() {
    for (
        pay, credits
    ) in array![(1, 1), (2, 1), (3, 2), (1_000, 2)] {
        assert_eq!(due(pay, 0, 3), credits);
    };
}

#[test]
fn the_greatest_pay_under_the_greatest_cap_ends_the_second_era() {
    assert_eq!(due(max(), 0, max()), TWO_POW_127 - 1 + TWO_POW_126);
    assert_eq!(due(TWO_POW_127 - 1, 0, max()), TWO_POW_127 - 1);
    assert_eq!(due(0, 0, max()), 0);
    assert_eq!(due(TWO_POW_127 - 1, max() - 2, max()), 0);
    assert_eq!(due(TWO_POW_127 - 1, max() - 3, max()), 1);
}

#[test]
fn every_era_of_a_cap_of_two_to_the_127_is_walked_without_overflow() {
    assert_eq!(due(max(), TWO_POW_127 - 1, TWO_POW_127), 0);
    assert_eq!(due(max(), TWO_POW_127 - 2, TWO_POW_127), 1);
}

#[test]
fn every_era_of_the_greatest_cap_is_walked_without_overflow() {
    assert_eq!(due(max(), max() - 3, max()), 2);
    assert_eq!(due(0, max() - 1, max()), 0);
    assert_eq!(due(max(), max() - 1, max()), 0);
}

// Minting

#[test]
fn a_deployment_mints_nothing_and_fixes_the_cap() {
    let world = empty_world();
    assert_eq!(world.credits.credits_minted(), 0);
    assert_eq!(world.credits.credits_cap(), CREDITS_CAP);
    assert!(world.credits.credits().is_non_zero());
    assert_eq!(credits_of(world, world.manager_address), 0);
}

#[test]
fn a_deployment_without_a_credits_class_is_refused() {
    let good = good_parameters();
    let manager = ManagerParameters { credits_class: Zero::zero(), ..good.manager };
    assert_refused(deploy(Parameters { manager, ..good }), Errors::CLASS_IS_ZERO);
}

#[test]
fn claimed_pay_gives_credits_one_for_one_in_the_first_era() {
    let world = claimed_world(1_000);
    assert_eq!(world.credits.credits_due(worker()), 1_000);
    act_as(worker());
    world.credits.mint_credits(worker());
    world.expect_of_manager(minted(worker(), 1_000, 1_000));
    assert!(pop_log_raw(world.manager_address).is_none());
    assert!(pop_log_raw(world.pool_address).is_none());
    assert_eq!(credits_of(world, worker()), 1_000);
    assert_eq!(world.credits.credits_minted(), 1_000);
    assert_eq!(world.credits.credits_due(worker()), 0);
    assert_eq!(world.balance_of(worker()), 1_000);
}

#[test]
fn a_minted_event_has_the_worker_as_a_key() {
    let world = claimed_world(1_000);
    world.credits.mint_credits(worker());
    let (keys, data) = pop_log_raw(world.manager_address).unwrap();
    assert_eq!(keys, [selector!("CreditsMinted"), worker().into()].span());
    assert_eq!(data, [1_000, 1_000].span());
}

#[test]
fn credits_go_to_the_worker_whoever_calls() {
    for caller in array![
        stranger(), operator(), registrar(), guardian()
    ] {
        let world = claimed_world(1_000);
        act_as(caller);
        world.credits.mint_credits(worker());
        world.expect_of_manager(minted(worker(), 1_000, 1_000));
        assert_eq!(credits_of(world, worker()), 1_000);
        assert_eq!(credits_of(world, caller), 0);
    };
}

#[test]
fn locked_pay_earns_no_credits_until_it_is_claimed() {
    let world = rich_world();
    world.pay(1, 1_000);
    assert_nothing_due(world, worker());
    at(MATURE - 1);
    assert_nothing_due(world, worker());
    at(MATURE);
    assert_nothing_due(world, worker());
    world.claim(worker());
    assert_mints(world, 1_000, 1_000);
}

#[test]
fn only_the_claimed_part_of_the_pay_earns_credits() {
    let world = rich_world();
    world.pay(1, 1_000);
    at(START + WINDOW);
    world.pay(2, 200);
    at(MATURE);
    world.claim(worker());
    world.forget_events();
    assert_mints(world, 1_000, 1_000);
    assert_nothing_due(world, worker());
    at(MATURE + WINDOW);
    world.claim(worker());
    assert_mints(world, 200, 200);
}

#[test]
fn minting_twice_for_the_same_pay_is_refused() {
    let world = claimed_world(1_000);
    world.credits.mint_credits(worker());
    assert_nothing_due(world, worker());
    assert_eq!(Errors::NOTHING_DUE, 'no credits are due');
}

#[test]
fn several_claims_are_minted_together() {
    let world = rich_world();
    earn(world, 1, 300, START);
    earn(world, 2, 50, MATURE);
    assert_mints(world, 350, 350);
}

#[test]
fn whoever_earned_nothing_gets_nothing() {
    let world = claimed_world(1_000);
    for account in array![
        stranger(), sponsor(), operator(), rival()
    ] {
        assert_nothing_due(world, account);
    };
    assert_eq!(world.credits.credits_due(worker()), 1_000);
}

#[test]
fn minting_across_the_end_of_an_era_slows_down() {
    let world = claimed_world(500_010);
    assert_mints(world, 500_010, 500_005);
    earn(world, 2, 101, MATURE);
    assert_mints(world, 101, 50);
}

#[test]
fn pay_too_small_for_a_credit_waits_for_more() {
    let world = claimed_world(500_000);
    assert_mints(world, 500_000, 500_000);
    earn(world, 2, 1, MATURE);
    assert_nothing_due(world, worker());
    earn(world, 3, 1, MATURE + 2 * WINDOW);
    assert_mints(world, 2, 1);
}

#[test]
fn the_era_is_that_of_all_workers_together() {
    let world = rich_world();
    world.pay(1, 500_000);
    pay_rival(world, 1_000);
    at(MATURE);
    world.claim(worker());
    world.claim(rival());
    assert_eq!(world.credits.credits_due(rival()), 1_000);
    world.credits.mint_credits(worker());
    assert_eq!(world.credits.credits_due(rival()), 500);
    world.credits.mint_credits(rival());
    assert_eq!(credits_of(world, rival()), 500);
    assert_eq!(credits_of(world, worker()), 500_000);
    assert_eq!(world.credits.credits_minted(), 500_500);
}

#[test]
fn at_the_end_of_the_schedule_work_is_paid_and_earns_no_credits() {
    let world = claimed_world(50_000_000);
    assert_mints(world, 50_000_000, CREDITS_CAP - 1);
    earn(world, 2, 40_000_000, MATURE);
    assert_nothing_due(world, worker());
    assert_eq!(world.balance_of(worker()), 90_000_000);
    assert!(world.credits.credits_minted() <= world.credits.credits_cap());
}

// The token

#[test]
fn the_tokens_governor_is_the_job_manager_itself() {
    let world = empty_world();
    assert_eq!(token(world).governor(), world.manager_address);
}

#[test]
#[feature("safe_dispatcher")]
fn nobody_else_mints_the_token() {
    let world = claimed_world(1_000);
    let safe = ITestCreditsSafeDispatcher { contract_address: world.credits.credits() };
    for caller in array![
        stranger(), worker(), operator(), registrar(), guardian(), world.pool_address
    ] {
        act_as(caller);
        let outcome = safe.permissioned_mint(caller, 1);
        assert_refused(outcome, 'test credits: not the minter');
        assert_eq!(credits_of(world, caller), 0);
    };
}

// Liars

fn slash(world: World) {
    act_as(world.manager_address);
    world.pool.slash(worker(), stranger());
}

#[feature("safe_dispatcher")]
fn assert_nothing_to_claim(world: World) {
    let pay = IPendingPaySafeDispatcher { contract_address: world.pool_address };
    assert_refused(pay.claim(worker(), [sponsor()].span()), 'nothing to claim');
}

#[test]
fn a_slashed_workers_frozen_pay_earns_no_credits() {
    let world = busy_world();
    world.pay(1, 1_000);
    at(MATURE - 1);
    slash(world);
    for moment in array![
        MATURE - 1, MATURE, MATURE + 100 * WINDOW
    ] {
        at(moment);
        assert_nothing_to_claim(world);
        assert_nothing_due(world, worker());
    };
}

#[test]
fn pay_returned_to_its_sponsor_earns_nobody_credits() {
    let world = busy_world();
    world.pay(1, 1_000);
    slash(world);
    world.pay.return_pay(worker(), [sponsor()].span());
    at(MATURE);
    assert_nothing_due(world, worker());
    assert_nothing_due(world, sponsor());
    assert_nothing_due(world, stranger());
}

#[test]
fn pay_that_was_mature_when_its_worker_was_slashed_still_earns_credits() {
    let world = busy_world();
    world.pay(1, 1_000);
    at(START + WINDOW);
    world.pay(2, 200);
    at(MATURE);
    slash(world);
    at(MATURE + 100 * WINDOW);
    world.claim(worker());
    world.forget_events();
    assert_mints(world, 1_000, 1_000);
    assert_nothing_due(world, worker());
}
