//! What a slashed worker loses, who gets it, and what it can never do again.

use crate::components::pending_pay::PendingPayComponent::{Errors, Event as PayEvent, PayReturned};
use crate::components::stakes::StakesComponent::{
    Errors as StakesErrors, Event as StakesEvent, Refusals, Slashed
};
use crate::components::worker_keys::WorkerKeysComponent::Errors as KeysErrors;
use crate::interfaces::job_manager::{
    ISettlementDispatcherTrait, IWorkersDispatcherTrait, IWorkersSafeDispatcher,
    IWorkersSafeDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPendingPaySafeDispatcher, IPendingPaySafeDispatcherTrait,
    IPoolDispatcherTrait, IPoolSafeDispatcher, IPoolSafeDispatcherTrait, ISponsorsDispatcherTrait,
    IStakesDispatcherTrait, IStakesSafeDispatcher, IStakesSafeDispatcherTrait
};
use crate::job_manager::JobManager::{Event as ManagerEvent, StatementRefused, StatementSettled};
use crate::pool::CdcPool::{Errors as PoolErrors, Event as PoolEvent};
use crate::types::statement::Statement;
use starknet::testing::pop_log_raw;
use starknet::{ContractAddress, contract_address_const};
use super::signer::public_key;
use super::world::{
    MIN_STAKE, NOTICE, START, UNBONDING, WINDOW, World, WorldTrait, act_as, assert_refused, at,
    busy_world, empty_world, first_statement, guardian, operator, registrar, sponsor, stranger,
    treasury, worker
};

const EVERYTHING: u128 = 0xffffffffffffffffffffffffffffffff;
const YEARS: u64 = 1_000_000_000;
const HONEST_SECRET: felt252 = 'honest secret';

/// The second sponsor.
fn patron() -> ContractAddress {
    contract_address_const::<'patron'>()
}

fn honest_worker() -> ContractAddress {
    contract_address_const::<'honest worker'>()
}

fn poster() -> ContractAddress {
    contract_address_const::<'poster'>()
}

fn pay_safe(world: World) -> IPendingPaySafeDispatcher {
    IPendingPaySafeDispatcher { contract_address: world.pool_address }
}

fn stakes_safe(world: World) -> IStakesSafeDispatcher {
    IStakesSafeDispatcher { contract_address: world.pool_address }
}

fn pool_safe(world: World) -> IPoolSafeDispatcher {
    IPoolSafeDispatcher { contract_address: world.pool_address }
}

/// `busy_world` with a second sponsor (deposit and allowance 5,000).
fn world_of_two_sponsors() -> World {
    let world = busy_world();
    world.add_sponsor(patron(), 5_000, 5_000);
    world.forget_events();
    world
}

/// A worker that is not registered, with this stake.
fn with_stake(amount: u128) -> World {
    let world = empty_world();
    world.fund(worker(), amount);
    world.stakes.stake(amount);
    world.forget_events();
    world
}

/// As the JobManager does when fraud was shown.
fn slash(world: World, reporter: ContractAddress) {
    act_as(world.manager_address);
    world.pool.slash(worker(), reporter);
}

fn slashed(amount: u128, reward: u128) -> PoolEvent {
    let reporter = stranger();
    PoolEvent::StakesEvent(
        StakesEvent::Slashed(Slashed { worker: worker(), reporter, amount, reward })
    )
}

fn returned(sponsor: ContractAddress, amount: u128) -> PoolEvent {
    PoolEvent::PendingPayEvent(
        PayEvent::PayReturned(PayReturned { sponsor, worker: worker(), amount })
    )
}

/// The patron pays the worker by its statement with this number.
fn pay_from_patron(world: World, seq: u128, amount: u128) {
    act_as(operator());
    let statement = Statement { sponsor: patron(), seq, amount, ..first_statement() };
    world.settlement.settle(array![world.sign(statement)]);
}

fn return_pay(world: World) {
    world.pay.return_pay(worker(), [sponsor(), patron()].span());
}

#[feature("safe_dispatcher")]
fn assert_nothing_to_return(world: World) {
    let outcome = pay_safe(world).return_pay(worker(), [sponsor(), patron()].span());
    assert_refused(outcome, Errors::NOTHING_TO_RETURN);
}

#[feature("safe_dispatcher")]
fn assert_nothing_to_claim(world: World) {
    let outcome = pay_safe(world).claim(worker(), [sponsor(), patron()].span());
    assert_refused(outcome, Errors::NOTHING_TO_CLAIM);
}

/// The pool holds what it owes, to the fri.
fn assert_conserved(world: World) {
    let mut owed = world.stakes.stake_of(worker()) + world.stakes.stake_of(honest_worker());
    owed += world.pay.claimable_of(worker()) + world.pay.claimable_of(honest_worker());
    for sponsor in array![
        sponsor(), patron(), poster()
    ] {
        owed += world.sponsors.deposit_of(sponsor, operator()) + world.pool.escrow_of(sponsor);
        for payee in array![
            worker(), honest_worker()
        ] {
            let (locked, mature) = world.pay.pending_of(payee, sponsor);
            owed += locked + mature;
        };
    };
    assert_eq!(world.balance_of(world.pool_address), owed.into());
}

#[test]
fn slashing_takes_the_whole_stake_half_for_the_reporter_half_for_the_treasury() {
    let world = busy_world();
    at(START + 7);
    slash(world, stranger());
    world.expect_of_pool(slashed(500, 250));
    assert!(pop_log_raw(world.pool_address).is_none());
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_eq!(world.stakes.active_stake_of(worker()), 0);
    assert_eq!(world.stakes.slashed_at(worker()), START + 7);
    assert_eq!(world.balance_of(stranger()), 250);
    assert_eq!(world.balance_of(treasury()), 250);
    assert_eq!(world.balance_of(worker()), 0);
}

#[test]
fn slashing_moves_the_tokens() {
    let world = busy_world();
    let before = world.balance_of(world.pool_address);
    slash(world, stranger());
    assert_eq!(before - world.balance_of(world.pool_address), 500);
    assert_eq!(world.balance_of(stranger()) + world.balance_of(treasury()), 500);
    assert_conserved(world);
}

#[test]
fn announced_parts_of_the_stake_are_slashed_too_even_when_they_are_ripe() {
    let world = busy_world();
    act_as(worker());
    world.stakes.announce_unstake(400);
    world.forget_events();
    at(START + UNBONDING);
    slash(world, stranger());
    world.expect_of_pool(slashed(500, 250));
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_eq!(world.stakes.announced_unstake_of(worker()), (0, 0));
}

#[test]
fn the_odd_fri_goes_to_the_treasury() {
    let world = with_stake(501);
    slash(world, stranger());
    world.expect_of_pool(slashed(501, 250));
    assert_eq!(world.balance_of(stranger()), 250);
    assert_eq!(world.balance_of(treasury()), 251);
}

#[test]
fn a_stake_of_one_fri_leaves_no_reward() {
    let world = with_stake(1);
    slash(world, stranger());
    world.expect_of_pool(slashed(1, 0));
    assert_eq!(world.balance_of(stranger()), 0);
    assert_eq!(world.balance_of(treasury()), 1);
}

#[test]
fn a_worker_that_reports_itself_loses_half_at_least() {
    let world = with_stake(501);
    slash(world, worker());
    assert_eq!(world.balance_of(worker()), 250);
    assert_eq!(world.balance_of(treasury()), 251);
    assert_eq!(world.balance_of(world.pool_address), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn a_worker_is_slashed_only_once() {
    let world = busy_world();
    slash(world, stranger());
    world.forget_events();
    at(START + YEARS);
    assert_refused(pool_safe(world).slash(worker(), stranger()), StakesErrors::SLASHED);
    assert!(pop_log_raw(world.pool_address).is_none());
    assert_eq!(world.stakes.slashed_at(worker()), START);
    assert_eq!(world.balance_of(stranger()), 250);
    assert_eq!(world.balance_of(treasury()), 250);
}

#[test]
#[feature("safe_dispatcher")]
fn no_admin_can_slash() {
    let world = busy_world();
    for caller in array![
        registrar(), guardian(), operator(), treasury(), sponsor(), worker(), world.pool_address
    ] {
        act_as(caller);
        assert_refused(pool_safe(world).slash(worker(), caller), PoolErrors::ONLY_JOB_MANAGER);
    };
    assert_eq!(world.stakes.stake_of(worker()), 500);
    assert_eq!(world.stakes.slashed_at(worker()), 0);
    assert_eq!(world.balance_of(treasury()), 0);
    assert_eq!(world.balance_of(world.pool_address), 10_500);
}

#[test]
fn slashing_one_worker_leaves_the_others_alone() {
    let world = busy_world();
    world.add_worker(honest_worker(), 700, HONEST_SECRET);
    world.pay(1, 300);
    let statement = Statement { worker: honest_worker(), ..first_statement() };
    world.settlement.settle(array![world.sign_with(statement, HONEST_SECRET)]);
    slash(world, stranger());
    assert_eq!(world.stakes.stake_of(honest_worker()), 700);
    assert_eq!(world.stakes.slashed_at(honest_worker()), 0);
    return_pay(world);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 8_700);
    assert_eq!(world.balance_of(sponsor()), 300);
    at(START + 2 * WINDOW);
    world.claim(honest_worker());
    assert_eq!(world.balance_of(honest_worker()), 1_000);
    assert_conserved(world);
}

#[test]
fn locked_pay_goes_back_to_each_sponsor_it_came_from() {
    let world = world_of_two_sponsors();
    world.pay(1, 300);
    pay_from_patron(world, 1, 45);
    slash(world, stranger());
    world.forget_events();
    act_as(stranger());
    return_pay(world);
    world.expect_of_pool(returned(sponsor(), 300));
    world.expect_of_pool(returned(patron(), 45));
    assert!(pop_log_raw(world.pool_address).is_none());
    assert_eq!(world.balance_of(sponsor()), 300);
    assert_eq!(world.balance_of(patron()), 45);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 9_700);
    assert_eq!(world.sponsors.deposit_of(patron(), operator()), 4_955);
    assert_eq!(world.pay.pending_of(worker(), sponsor()), (0, 0));
    assert_eq!(world.pay.pending_of(worker(), patron()), (0, 0));
    assert_eq!(world.balance_of(stranger()), 250);
    assert_conserved(world);
}

#[test]
fn pay_of_both_locked_buckets_goes_back_together() {
    let world = busy_world();
    world.pay(1, 100);
    at(START + WINDOW);
    world.pay(2, 200);
    slash(world, stranger());
    world.forget_events();
    return_pay(world);
    world.expect_of_pool(returned(sponsor(), 300));
    assert_eq!(world.balance_of(sponsor()), 300);
}

#[test]
fn each_sponsors_pay_can_be_returned_another_time() {
    let world = world_of_two_sponsors();
    world.pay(1, 300);
    pay_from_patron(world, 1, 45);
    slash(world, stranger());
    world.pay.return_pay(worker(), [patron()].span());
    assert_eq!(world.balance_of(patron()), 45);
    assert_eq!(world.balance_of(sponsor()), 0);
    at(START + YEARS);
    world.pay.return_pay(worker(), [sponsor()].span());
    assert_eq!(world.balance_of(patron()), 45);
    assert_eq!(world.balance_of(sponsor()), 300);
}

#[test]
fn pay_is_returned_only_once() {
    let world = world_of_two_sponsors();
    world.pay(1, 300);
    slash(world, stranger());
    return_pay(world);
    assert_nothing_to_return(world);
    at(START + YEARS);
    assert_nothing_to_return(world);
    assert_eq!(world.balance_of(sponsor()), 300);
    assert_conserved(world);
}

#[test]
fn a_sponsor_that_is_named_twice_gets_its_pay_once() {
    let world = busy_world();
    world.pay(1, 300);
    slash(world, stranger());
    world.forget_events();
    world.pay.return_pay(worker(), [sponsor(), stranger(), sponsor()].span());
    world.expect_of_pool(returned(sponsor(), 300));
    assert!(pop_log_raw(world.pool_address).is_none());
    assert_eq!(world.balance_of(sponsor()), 300);
    assert_eq!(world.balance_of(stranger()), 250);
}

#[test]
#[feature("safe_dispatcher")]
fn returning_to_nobody_or_to_those_who_paid_nothing_is_refused() {
    let world = busy_world();
    world.pay(1, 300);
    slash(world, stranger());
    let pay = pay_safe(world);
    assert_refused(pay.return_pay(worker(), [].span()), Errors::NOTHING_TO_RETURN);
    assert_refused(pay.return_pay(worker(), [patron()].span()), Errors::NOTHING_TO_RETURN);
    assert_eq!(world.pending_of(worker()), (300, 0));
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 9_700);
}

#[test]
#[feature("safe_dispatcher")]
fn pay_of_an_honest_worker_cannot_be_taken_back() {
    let world = busy_world();
    world.pay(1, 300);
    act_as(sponsor());
    let outcome = pay_safe(world).return_pay(worker(), [sponsor()].span());
    assert_refused(outcome, Errors::NOT_SLASHED);
    assert_eq!(world.pending_of(worker()), (300, 0));
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 9_700);
}

#[test]
fn returned_pay_is_no_deposit_and_does_not_restore_the_allowance() {
    let world = busy_world();
    world.pay(1, 300);
    slash(world, stranger());
    return_pay(world);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 3_700);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 9_700);
    assert_eq!(world.balance_of(sponsor()), 300);
    act_as(sponsor());
    world.sponsors.announce_withdrawal(operator(), EVERYTHING);
    at(START + NOTICE);
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 10_000);
    assert_eq!(world.balance_of(world.pool_address), 0);
}

#[test]
fn locked_pay_of_an_on_chain_job_goes_back_to_its_posters_wallet() {
    let world = busy_world();
    world.fund(poster(), 80);
    act_as(world.manager_address);
    world.pool.take_escrow(poster(), 80);
    world.pool.pay_escrow(poster(), worker(), MIN_STAKE, 80);
    slash(world, stranger());
    world.forget_events();
    world.pay.return_pay(worker(), [poster()].span());
    world.expect_of_pool(returned(poster(), 80));
    assert_eq!(world.balance_of(poster()), 80);
    assert_eq!(world.pool.escrow_of(poster()), 0);
    assert_conserved(world);
}

#[test]
fn pay_that_was_mature_when_the_worker_was_slashed_stays_its_own() {
    let world = busy_world();
    world.pay(1, 300);
    at(START + 2 * WINDOW);
    slash(world, stranger());
    assert_eq!(world.pending_of(worker()), (0, 300));
    assert_nothing_to_return(world);
    at(START + YEARS);
    world.claim(worker());
    assert_eq!(world.balance_of(worker()), 300);
    assert_eq!(world.pay.earned_of(worker()), 300);
    assert_nothing_to_claim(world);
}

#[test]
fn pay_that_had_one_second_to_wait_never_becomes_claimable() {
    let world = busy_world();
    world.pay(1, 300);
    at(START + 2 * WINDOW - 1);
    slash(world, stranger());
    for now in array![
        START + 2 * WINDOW, START + 3 * WINDOW, START + YEARS
    ] {
        at(now);
        assert_eq!(world.pending_of(worker()), (300, 0));
        assert_nothing_to_claim(world);
    };
    return_pay(world);
    assert_nothing_to_claim(world);
    assert_eq!(world.balance_of(worker()), 0);
}

#[test]
fn mature_pay_that_has_left_its_slot_stays_claimable() {
    let world = busy_world();
    world.pay(1, 100);
    at(START + 2 * WINDOW);
    world.pay(2, 200);
    slash(world, stranger());
    assert_eq!(world.pay.claimable_of(worker()), 100);
    world.pay.claim(worker(), [].span());
    assert_eq!(world.balance_of(worker()), 100);
    assert_eq!(world.pending_of(worker()), (200, 0));
}

/// The worker of `busy_world` slashed with 100 mature and 200 locked.
fn with_mature_and_locked_pay() -> World {
    let world = busy_world();
    world.pay(1, 100);
    at(START + WINDOW);
    world.pay(2, 200);
    at(START + 2 * WINDOW);
    slash(world, stranger());
    world
}

#[test]
fn a_slashed_workers_pay_is_split_at_the_moment_it_was_slashed() {
    let world = with_mature_and_locked_pay();
    for now in array![
        START + 2 * WINDOW, START + 3 * WINDOW, START + YEARS
    ] {
        at(now);
        assert_eq!(world.pay.pending_of(worker(), sponsor()), (200, 100));
        assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), 0);
    };
}

#[test]
fn the_mature_part_is_claimed_before_the_rest_is_returned() {
    let world = with_mature_and_locked_pay();
    at(START + YEARS);
    world.claim(worker());
    assert_eq!(world.pending_of(worker()), (200, 0));
    return_pay(world);
    assert_eq!(world.pending_of(worker()), (0, 0));
    assert_eq!(world.balance_of(worker()), 100);
    assert_eq!(world.balance_of(sponsor()), 200);
    assert_conserved(world);
}

#[test]
fn the_mature_part_is_claimed_after_the_rest_was_returned() {
    let world = with_mature_and_locked_pay();
    return_pay(world);
    assert_eq!(world.pending_of(worker()), (0, 100));
    at(START + YEARS);
    world.claim(worker());
    assert_eq!(world.balance_of(worker()), 100);
    assert_eq!(world.balance_of(sponsor()), 200);
    assert_nothing_to_claim(world);
    assert_nothing_to_return(world);
    assert_conserved(world);
}

#[test]
fn slashing_stops_the_clock_of_the_next_unlock() {
    let world = busy_world();
    world.pay(1, 300);
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), START + 2 * WINDOW);
    slash(world, stranger());
    assert_eq!(world.pay.next_unlock_at(worker(), sponsor()), 0);
    assert_eq!(world.stakes.exposed_until(worker()), START + 2 * WINDOW);
}

#[test]
#[feature("safe_dispatcher")]
fn a_slashed_worker_cannot_stake_again() {
    let world = busy_world();
    slash(world, stranger());
    world.fund(worker(), 1_000);
    at(START + YEARS);
    assert_refused(stakes_safe(world).stake(1_000), StakesErrors::SLASHED);
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_eq!(world.balance_of(worker()), 1_000);
}

#[test]
#[feature("safe_dispatcher")]
fn a_slashed_worker_has_nothing_left_to_unstake() {
    let world = busy_world();
    act_as(worker());
    world.stakes.announce_unstake(EVERYTHING);
    slash(world, stranger());
    act_as(worker());
    at(START + UNBONDING);
    assert_refused(stakes_safe(world).unstake(), StakesErrors::NOT_ANNOUNCED);
    world.stakes.announce_unstake(EVERYTHING);
    at(START + 2 * UNBONDING);
    assert_refused(stakes_safe(world).unstake(), StakesErrors::NOTHING_LEFT);
    assert_eq!(world.balance_of(worker()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn a_slashed_worker_cannot_register_a_key() {
    let world = busy_world();
    slash(world, stranger());
    act_as(worker());
    let workers = IWorkersSafeDispatcher { contract_address: world.manager_address };
    let key = public_key('new secret');
    assert_refused(workers.register_worker(key), KeysErrors::STAKE_TOO_LOW);
    assert_eq!(world.workers.was_worker_key(worker(), key), 0);
}

#[test]
fn statements_of_a_slashed_worker_are_refused_and_do_not_sink_the_others() {
    let world = busy_world();
    world.add_worker(honest_worker(), 700, HONEST_SECRET);
    slash(world, stranger());
    world.forget_events();
    act_as(operator());
    let statement = first_statement();
    let honest = Statement { worker: honest_worker(), ..statement };
    let signed = array![world.sign(statement), world.sign_with(honest, HONEST_SECRET)];
    world.settlement.settle(signed);
    let (sponsor, operator, seq) = (sponsor(), operator(), 1);
    let reason = Refusals::WORKER_SLASHED;
    let refused = StatementRefused { sponsor, worker: worker(), operator, seq, reason };
    world.expect_of_manager(ManagerEvent::StatementRefused(refused));
    let Statement { worker: payee, count, amount, receipts, .. } = honest;
    let settled = StatementSettled {
        sponsor, worker: payee, operator, seq, count, amount, receipts
    };
    world.expect_of_manager(ManagerEvent::StatementSettled(settled));
    assert_eq!(world.pool.last_seq(sponsor, operator, worker()), 0);
    assert_eq!(world.pending_of(worker()), (0, 0));
    assert_eq!(world.pending_of(honest_worker()), (1_000, 0));
    assert_eq!(world.sponsors.deposit_of(sponsor, operator), 9_000);
    assert_eq!(world.sponsors.allowance_of(sponsor, operator), 3_000);
}

#[test]
#[feature("safe_dispatcher")]
fn a_slashed_worker_is_not_paid_from_escrow() {
    let world = busy_world();
    world.fund(poster(), 80);
    slash(world, stranger());
    world.pool.take_escrow(poster(), 80);
    let outcome = pool_safe(world).pay_escrow(poster(), worker(), 0, 80);
    assert_refused(outcome, Refusals::WORKER_SLASHED);
    assert_eq!(world.pool.escrow_of(poster()), 80);
    assert_eq!(world.pay.pending_of(worker(), poster()), (0, 0));
    assert_conserved(world);
}

#[test]
fn money_is_conserved_from_pay_to_slash_return_and_claim() {
    let world = world_of_two_sponsors();
    world.add_worker(honest_worker(), 701, HONEST_SECRET);
    world.pay(1, 101);
    pay_from_patron(world, 1, 13);
    at(START + WINDOW);
    world.pay(2, 202);
    at(START + 2 * WINDOW);
    pay_from_patron(world, 2, 29);
    world.fund(worker(), 7);
    world.stakes.stake(7);
    assert_conserved(world);
    slash(world, stranger());
    assert_conserved(world);
    world.pay.return_pay(worker(), [patron()].span());
    assert_conserved(world);
    world.pay.claim(worker(), [sponsor()].span());
    assert_conserved(world);
    at(START + YEARS);
    world.pay.return_pay(worker(), [sponsor()].span());
    assert_conserved(world);
    assert_nothing_to_return(world);
    assert_nothing_to_claim(world);
    assert_eq!(world.balance_of(worker()), 101 + 13);
    assert_eq!(world.balance_of(stranger()), 253);
    assert_eq!(world.balance_of(treasury()), 254);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 10_000 - 101 - 202);
    assert_eq!(world.sponsors.deposit_of(patron(), operator()), 5_000 - 13 - 29);
    assert_eq!(world.balance_of(sponsor()), 202);
    assert_eq!(world.balance_of(patron()), 29);
    assert_eq!(world.balance_of(world.pool_address), 10_000 - 303 + 5_000 - 42 + 701);
}
