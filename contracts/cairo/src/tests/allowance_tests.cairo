//! Allowances: what an operator may spend of a sponsor's deposit in each epoch.

use crate::components::sponsors::SponsorsComponent::{
    AllowanceSet, Event as SponsorsEvent, Refusals
};
use crate::interfaces::job_manager::ISettlementDispatcherTrait;
use crate::interfaces::pool::{IPoolDispatcherTrait, ISponsorsDispatcherTrait};
use crate::job_manager::JobManager::{Event, StatementRefused, StatementSettled};
use crate::pool::CdcPool::Event as PoolEvent;
use crate::types::statement::{SignedStatement, Statement};
use starknet::{ContractAddress, contract_address_const, get_block_timestamp};
use super::world::{
    ALLOWANCE_EPOCH, NOTICE, START, WORKER_SECRET, World, WorldTrait, act_as, at, busy_world,
    empty_world, first_statement, operator, sponsor, stranger, worker
};

const EVERYTHING: u128 = 0xffffffffffffffffffffffffffffffff;

fn other_operator() -> ContractAddress {
    contract_address_const::<'other operator'>()
}

fn other_sponsor() -> ContractAddress {
    contract_address_const::<'other sponsor'>()
}

fn left(world: World) -> u128 {
    world.sponsors.allowance_of(sponsor(), operator())
}

/// The sponsor gives `operator` this allowance: at once, or after the notice where it is a lower
/// one.
fn allow(world: World, operator: ContractAddress, per_epoch: u128) {
    world.forget_events();
    act_as(sponsor());
    let now = get_block_timestamp();
    let before = world.sponsors.allowance_per_epoch(sponsor(), operator);
    world.sponsors.set_allowance(operator, per_epoch);
    let counts_from = if per_epoch < before {
        now + NOTICE
    } else {
        now
    };
    let set = AllowanceSet { sponsor: sponsor(), operator, per_epoch, counts_from, before };
    world.expect_of_pool(PoolEvent::SponsorsEvent(SponsorsEvent::AllowanceSet(set)));
    let last = world.sponsors.last_allowance_set(sponsor(), operator);
    assert_eq!(last, (per_epoch, counts_from));
}

fn signed_for(world: World, seq: u128, amount: u128) -> SignedStatement {
    world.sign(Statement { seq, amount, ..first_statement() })
}

/// Settles as `operator` and sees exactly the amount leave the deposit and the allowance.
fn assert_pays(world: World, operator: ContractAddress, signed: SignedStatement) {
    let Statement { sponsor, worker, seq, count, amount, receipts } = signed.statement;
    let deposit = world.sponsors.deposit_of(sponsor, operator);
    let allowance = world.sponsors.allowance_of(sponsor, operator);
    world.forget_events();
    act_as(operator);
    world.settlement.settle(array![signed]);
    let settled = StatementSettled { sponsor, worker, operator, seq, count, amount, receipts };
    world.expect_of_manager(Event::StatementSettled(settled));
    assert_eq!(world.sponsors.deposit_of(sponsor, operator), deposit - amount);
    assert_eq!(world.sponsors.allowance_of(sponsor, operator), allowance - amount);
    assert_eq!(world.pool.last_seq(sponsor, operator, worker), seq);
}

/// Settles as `operator` and sees it refused for want of allowance, with no money moved.
fn assert_is_over(world: World, operator: ContractAddress, signed: SignedStatement) {
    let Statement { sponsor, worker, seq, .. } = signed.statement;
    let deposit = world.sponsors.deposit_of(sponsor, operator);
    let allowance = world.sponsors.allowance_of(sponsor, operator);
    let pending = world.pending_of(worker);
    let last_seq = world.pool.last_seq(sponsor, operator, worker);
    world.forget_events();
    act_as(operator);
    world.settlement.settle(array![signed]);
    let reason = Refusals::INSUFFICIENT_ALLOWANCE;
    let refused = StatementRefused { sponsor, worker, operator, seq, reason };
    world.expect_of_manager(Event::StatementRefused(refused));
    assert_eq!(world.sponsors.deposit_of(sponsor, operator), deposit);
    assert_eq!(world.sponsors.allowance_of(sponsor, operator), allowance);
    assert_eq!(world.pending_of(worker), pending);
    assert_eq!(world.pool.last_seq(sponsor, operator, worker), last_seq);
}

#[test]
fn what_was_spent_counts_until_the_next_multiple_of_the_epoch() {
    let world = busy_world();
    at(START + ALLOWANCE_EPOCH / 2);
    assert_pays(world, operator(), signed_for(world, 1, 4_000));
    let second = signed_for(world, 2, 1);
    at(START + ALLOWANCE_EPOCH - 1);
    assert_eq!(left(world), 0);
    assert_is_over(world, operator(), second);
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 4_000);
    assert_pays(world, operator(), second);
    assert_eq!(left(world), 3_999);
}

#[test]
fn an_epoch_does_not_begin_with_its_first_spending() {
    let world = busy_world();
    at(START + ALLOWANCE_EPOCH - 1);
    assert_pays(world, operator(), signed_for(world, 1, 4_000));
    at(START + ALLOWANCE_EPOCH);
    assert_pays(world, operator(), signed_for(world, 2, 4_000));
    assert_eq!(left(world), 0);
    at(START + 2 * ALLOWANCE_EPOCH - 1);
    assert_eq!(left(world), 0);
    at(START + 2 * ALLOWANCE_EPOCH);
    assert_eq!(left(world), 4_000);
}

#[test]
fn what_was_spent_in_one_epoch_adds_up() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 1_000));
    at(START + ALLOWANCE_EPOCH - 1);
    assert_pays(world, operator(), signed_for(world, 2, 2_999));
    assert_is_over(world, operator(), signed_for(world, 3, 2));
    assert_pays(world, operator(), signed_for(world, 3, 1));
    assert_eq!(left(world), 0);
}

#[test]
fn unspent_allowance_does_not_accumulate() {
    let world = busy_world();
    at(START + 3 * ALLOWANCE_EPOCH);
    assert_eq!(left(world), 4_000);
    assert_is_over(world, operator(), signed_for(world, 1, 4_001));
    assert_pays(world, operator(), signed_for(world, 1, 500));
    at(START + 4 * ALLOWANCE_EPOCH);
    assert_eq!(left(world), 4_000);
    assert_is_over(world, operator(), signed_for(world, 2, 4_001));
}

#[test]
fn a_statement_over_what_is_left_settles_unchanged_in_the_next_epoch() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 2_500));
    let second = signed_for(world, 2, 1_501);
    assert_is_over(world, operator(), second);
    at(START + ALLOWANCE_EPOCH);
    assert_pays(world, operator(), second);
    assert_eq!(left(world), 2_499);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 5_999);
}

#[test]
fn a_lowered_allowance_counts_when_the_notice_has_passed_and_with_what_was_spent() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 1_500));
    allow(world, operator(), 2_000);
    at(START + NOTICE - 1);
    assert_eq!(left(world), 2_500);
    at(START + NOTICE);
    assert_eq!(left(world), 500);
    assert_is_over(world, operator(), signed_for(world, 2, 501));
    assert_pays(world, operator(), signed_for(world, 2, 500));
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 2_000);
}

#[test]
fn what_was_owed_before_a_lowering_is_settled_during_the_notice() {
    let world = busy_world();
    let owed = signed_for(world, 1, 4_000);
    allow(world, operator(), 0);
    act_as(sponsor());
    world.sponsors.announce_withdrawal(operator(), EVERYTHING);
    at(START + NOTICE - 1);
    assert_pays(world, operator(), owed);
    at(START + NOTICE);
    act_as(sponsor());
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 6_000);
}

#[test]
fn a_lowered_allowance_holds_for_the_rest_of_an_epoch_that_overspent_it() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 1_500));
    allow(world, operator(), 1_500);
    at(START + NOTICE);
    assert_eq!(left(world), 0);
    assert_is_over(world, operator(), signed_for(world, 2, 1));
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 1_500);
    assert_pays(world, operator(), signed_for(world, 2, 1_500));
}

#[test]
fn lowering_again_replaces_the_first_and_restarts_the_notice() {
    let world = busy_world();
    allow(world, operator(), 3_000);
    at(START + NOTICE - 1);
    allow(world, operator(), 1_000);
    at(START + 2 * NOTICE - 2);
    assert_eq!(left(world), 4_000);
    at(START + 2 * NOTICE - 1);
    assert_eq!(left(world), 1_000);
}

#[test]
fn raising_again_takes_a_lowering_back() {
    let world = busy_world();
    allow(world, operator(), 0);
    allow(world, operator(), 4_500);
    assert_eq!(left(world), 4_500);
    at(START + NOTICE);
    assert_eq!(left(world), 4_500);
}

#[test]
fn a_limit_between_the_present_one_and_a_lower_one_to_come_waits_too() {
    let world = busy_world();
    allow(world, operator(), 1_000);
    at(START + 1);
    allow(world, operator(), 3_000);
    at(START + NOTICE);
    assert_eq!(left(world), 4_000);
    at(START + 1 + NOTICE);
    assert_eq!(left(world), 3_000);
}

#[test]
fn a_raised_allowance_holds_at_once_and_counts_what_was_spent() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 4_000));
    allow(world, operator(), 4_500);
    assert_eq!(left(world), 500);
    assert_is_over(world, operator(), signed_for(world, 2, 501));
    assert_pays(world, operator(), signed_for(world, 2, 500));
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 4_500);
}

#[test]
fn setting_the_same_allowance_again_does_not_renew_it() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 1_500));
    allow(world, operator(), 4_000);
    assert_eq!(left(world), 2_500);
}

#[test]
fn a_revoked_allowance_pays_nothing_after_the_notice() {
    let world = busy_world();
    allow(world, operator(), 0);
    at(START + NOTICE);
    let signed = signed_for(world, 1, 1);
    assert_is_over(world, operator(), signed);
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 0);
    assert_is_over(world, operator(), signed);
}

#[test]
fn revoking_and_granting_again_does_not_forget_what_was_spent() {
    let world = busy_world();
    assert_pays(world, operator(), signed_for(world, 1, 1_500));
    allow(world, operator(), 0);
    at(START + NOTICE);
    assert_eq!(left(world), 0);
    allow(world, operator(), 4_000);
    assert_eq!(left(world), 2_500);
    assert_is_over(world, operator(), signed_for(world, 2, 2_501));
}

#[test]
fn one_operator_cannot_spend_what_was_deposited_for_another() {
    let world = busy_world();
    allow(world, other_operator(), EVERYTHING);
    world.forget_events();
    let statement = first_statement();
    act_as(other_operator());
    let signed = world.sign_for(other_operator(), statement, WORKER_SECRET);
    world.settlement.settle(array![signed]);
    let Statement { sponsor, worker, seq, .. } = statement;
    let (operator, reason) = (other_operator(), Refusals::INSUFFICIENT_DEPOSIT);
    let refused = StatementRefused { sponsor, worker, operator, seq, reason };
    world.expect_of_manager(Event::StatementRefused(refused));
    assert_eq!(world.sponsors.deposit_of(sponsor, super::world::operator()), 10_000);
    assert_eq!(world.pending_of(worker), (0, 0));
}

#[test]
fn two_operators_spend_separately() {
    let world = busy_world();
    world.fund(sponsor(), 2_000);
    world.sponsors.deposit(other_operator(), 2_000);
    allow(world, other_operator(), 2_000);
    assert_pays(world, operator(), signed_for(world, 1, 4_000));
    assert_eq!(world.sponsors.allowance_of(sponsor(), other_operator()), 2_000);
    assert_is_over(world, operator(), signed_for(world, 2, 2_000));
    let theirs = Statement { amount: 2_000, ..first_statement() };
    assert_pays(world, other_operator(), world.sign_for(other_operator(), theirs, WORKER_SECRET));
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), 1);
    allow(world, operator(), 0);
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 0);
    assert_eq!(world.sponsors.allowance_of(sponsor(), other_operator()), 2_000);
}

#[test]
fn two_sponsors_allow_separately() {
    let world = busy_world();
    world.add_sponsor(other_sponsor(), 5_000, 1_000);
    assert_pays(world, operator(), signed_for(world, 1, 4_000));
    assert_eq!(world.sponsors.allowance_of(other_sponsor(), operator()), 1_000);
    let over = Statement { sponsor: other_sponsor(), amount: 1_001, ..first_statement() };
    assert_is_over(world, operator(), world.sign(over));
    let within = Statement { amount: 1_000, ..over };
    assert_pays(world, operator(), world.sign(within));
    allow(world, operator(), 0);
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(left(world), 0);
    assert_eq!(world.sponsors.allowance_of(other_sponsor(), operator()), 1_000);
}

#[test]
fn two_workers_share_one_allowance() {
    let world = busy_world();
    world.add_worker(stranger(), 500, 'another secret');
    assert_pays(world, operator(), signed_for(world, 1, 3_000));
    let over = Statement { worker: stranger(), amount: 1_001, ..first_statement() };
    assert_is_over(world, operator(), world.sign_with(over, 'another secret'));
    let within = Statement { amount: 1_000, ..over };
    assert_pays(world, operator(), world.sign_with(within, 'another secret'));
    assert_eq!(world.pending_of(worker()), (3_000, 0));
    assert_eq!(world.pending_of(stranger()), (1_000, 0));
}

#[test]
fn the_largest_allowance_is_counted_without_overflow() {
    let world = busy_world();
    allow(world, operator(), EVERYTHING);
    assert_pays(world, operator(), signed_for(world, 1, 10_000));
    assert_eq!(left(world), EVERYTHING - 10_000);
}

#[test]
fn the_allowance_of_each_epoch_is_seen_whatever_was_spent() {
    let world = busy_world();
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), operator()), 4_000);
    assert_pays(world, operator(), signed_for(world, 1, 1_500));
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), operator()), 4_000);
    allow(world, operator(), 1_000);
    at(START + NOTICE - 1);
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), operator()), 4_000);
    at(START + NOTICE);
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), operator()), 1_000);
    at(START + ALLOWANCE_EPOCH);
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), operator()), 1_000);
    allow(world, operator(), 0);
    at(START + ALLOWANCE_EPOCH + NOTICE);
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), operator()), 0);
    assert_eq!(world.sponsors.allowance_per_epoch(sponsor(), stranger()), 0);
    assert_eq!(world.sponsors.allowance_per_epoch(operator(), sponsor()), 0);
}

#[test]
fn the_epoch_of_a_deployment_is_seen() {
    assert_eq!(empty_world().sponsors.allowance_epoch_s(), ALLOWANCE_EPOCH);
}
