//! Statements: what is paid, and everything that is refused without sinking the others.

use crate::components::sponsors::SponsorsComponent::Refusals as PoolRefusals;
use crate::components::stakes::StakesComponent::Refusals as StakeRefusals;
use crate::interfaces::job_manager::{
    ISettlementDispatcher, ISettlementDispatcherTrait, ISettlementSafeDispatcher,
    ISettlementSafeDispatcherTrait, IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPoolDispatcher, IPoolDispatcherTrait, ISponsorsDispatcherTrait, IStakesDispatcherTrait
};
use crate::job_manager::JobManager::{
    Errors, Event, Refusals, STATEMENTS_PER_CALL_MAX, StatementRefused, StatementSettled
};
use crate::pool::CdcPool::Refusals as MoneyRefusals;
use crate::types::parameters::PoolParameters;
use crate::types::statement::{SignedStatement, Statement};
use starknet::contract_address_const;
use starknet::testing::{pop_log_raw, set_chain_id};
use super::signer::public_key;
use super::world::{
    CHAIN_ID, Parameters, World, WorldTrait, act_as, assert_refused, busy_world, deploy,
    first_statement, good_parameters, operator, sponsor, stranger, worker, WORKER_SECRET
};

fn settled(statement: Statement) -> Event {
    let Statement { sponsor, worker, seq, count, amount, receipts } = statement;
    let operator = operator();
    Event::StatementSettled(
        StatementSettled { sponsor, worker, operator, seq, count, amount, receipts }
    )
}

fn refused(statement: Statement, reason: felt252) -> Event {
    let Statement { sponsor, worker, seq, .. } = statement;
    let operator = operator();
    Event::StatementRefused(StatementRefused { sponsor, worker, operator, seq, reason })
}

/// Settles this one as the operator and sees it refused, with no money moved.
fn assert_moves_nothing(world: World, signed: SignedStatement, reason: felt252) {
    let deposit = world.sponsors.deposit_of(sponsor(), operator());
    let allowance = world.sponsors.allowance_of(sponsor(), operator());
    let pending = world.pending_of(worker());
    let seq = world.pool.last_seq(sponsor(), operator(), worker());
    act_as(operator());
    world.settlement.settle(array![signed]);
    world.expect_of_manager(refused(signed.statement, reason));
    assert!(pop_log_raw(world.manager_address).is_none());
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), deposit);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), allowance);
    assert_eq!(world.pending_of(worker()), pending);
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), seq);
}

#[test]
fn a_countersigned_statement_moves_deposit_to_pending_pay() {
    let world = busy_world();
    let statement = first_statement();
    world.settlement.settle(array![world.sign(statement)]);
    world.expect_of_manager(settled(statement));
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 9_000);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 3_000);
    assert_eq!(world.pending_of(worker()), (1_000, 0));
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), 1);
}

#[test]
fn a_settled_event_has_three_keys_and_four_words_of_data() {
    let world = busy_world();
    world.settlement.settle(array![world.sign(first_statement())]);
    let (keys, data) = pop_log_raw(world.manager_address).unwrap();
    let names = [sponsor().into(), worker().into(), operator().into()];
    let [a, b, c] = names;
    assert_eq!(keys, [selector!("StatementSettled"), a, b, c].span());
    assert_eq!(data, [1, 100, 1_000, 'root'].span());
}

#[test]
fn consecutive_statements_settle_in_one_call() {
    let world = busy_world();
    let first = first_statement();
    let second = Statement { seq: 2, amount: 2_000, ..first };
    world.settlement.settle(array![world.sign(first), world.sign(second)]);
    world.expect_of_manager(settled(first));
    world.expect_of_manager(settled(second));
    assert_eq!(world.pending_of(worker()), (3_000, 0));
}

#[test]
fn a_replayed_statement_is_refused_and_moves_no_money() {
    let world = busy_world();
    let signed = world.sign(first_statement());
    world.settlement.settle(array![signed]);
    world.forget_events();
    assert_moves_nothing(world, signed, MoneyRefusals::WRONG_SEQ);
}

#[test]
fn a_skipped_number_is_refused_and_so_is_zero() {
    let world = busy_world();
    for seq in array![
        0, 2, 0xffffffffffffffffffffffffffffffff
    ] {
        let signed = world.sign(Statement { seq, ..first_statement() });
        assert_moves_nothing(world, signed, MoneyRefusals::WRONG_SEQ);
    };
}

#[test]
fn a_count_of_none_or_over_1000_is_refused() {
    let world = busy_world();
    for count in array![
        0, 1_001
    ] {
        let signed = world.sign(Statement { count, ..first_statement() });
        assert_moves_nothing(world, signed, Refusals::BAD_COUNT);
    };
    let full = Statement { count: 1_000, ..first_statement() };
    world.settlement.settle(array![world.sign(full)]);
    world.expect_of_manager(settled(full));
}

#[test]
fn an_amount_of_zero_is_refused() {
    let world = busy_world();
    let signed = world.sign(Statement { amount: 0, ..first_statement() });
    assert_moves_nothing(world, signed, Refusals::ZERO_AMOUNT);
}

#[test]
fn an_unregistered_worker_is_refused() {
    let world = busy_world();
    let signed = world.sign(Statement { worker: stranger(), ..first_statement() });
    assert_moves_nothing(world, signed, Refusals::WORKER_NOT_REGISTERED);
    assert_eq!(world.pending_of(stranger()), (0, 0));
}

#[test]
fn a_worker_whose_active_stake_fell_below_the_minimum_is_refused() {
    let world = busy_world();
    act_as(worker());
    world.stakes.announce_unstake(1);
    assert_moves_nothing(world, world.sign(first_statement()), StakeRefusals::STAKE_TOO_LOW);
}

#[test]
fn a_signature_by_another_key_is_refused() {
    let world = busy_world();
    let signed = world.sign_with(first_statement(), 'another secret');
    assert_moves_nothing(world, signed, Refusals::BAD_SIGNATURE);
}

#[test]
fn a_statement_changed_after_signing_is_refused() {
    let world = busy_world();
    world.add_sponsor(stranger(), 5_000, 5_000);
    let signed = world.sign(first_statement());
    let changed = array![
        Statement { sponsor: stranger(), ..signed.statement },
        Statement { count: 101, ..signed.statement },
        Statement { amount: 1_001, ..signed.statement },
        Statement { receipts: 'other root', ..signed.statement },
    ];
    for statement in changed {
        let forged = SignedStatement { statement, ..signed };
        assert_moves_nothing(world, forged, Refusals::BAD_SIGNATURE);
    };
    assert_eq!(world.sponsors.deposit_of(stranger(), operator()), 5_000);
}

#[test]
fn edge_signatures_are_refused() {
    let world = busy_world();
    let signed = world.sign(first_statement());
    let order = core::ec::stark_curve::ORDER;
    for edge in array![
        0, order, order + 1, -1
    ] {
        let bad_r = SignedStatement { signature_r: edge, ..signed };
        let bad_s = SignedStatement { signature_s: edge, ..signed };
        assert_moves_nothing(world, bad_r, Refusals::BAD_SIGNATURE);
        assert_moves_nothing(world, bad_s, Refusals::BAD_SIGNATURE);
    };
}

#[test]
fn a_statement_for_another_worker_with_the_same_key_is_refused() {
    let world = busy_world();
    let twin = contract_address_const::<'twin'>();
    world.add_worker(twin, 500, super::world::WORKER_SECRET);
    world.forget_events();
    let signed = world.sign(first_statement());
    let forged = SignedStatement {
        statement: Statement { worker: twin, ..signed.statement }, ..signed
    };
    assert_moves_nothing(world, forged, Refusals::BAD_SIGNATURE);
    assert_eq!(world.pending_of(twin), (0, 0));
}

#[test]
fn a_statement_signed_for_another_chain_is_refused() {
    let world = busy_world();
    set_chain_id('SN_MAIN');
    let signed = world.sign(first_statement());
    set_chain_id(CHAIN_ID);
    assert_moves_nothing(world, signed, Refusals::BAD_SIGNATURE);
}

#[test]
fn a_statement_signed_for_another_contract_is_refused() {
    let world = busy_world();
    let good = good_parameters();
    let other = PoolParameters { treasury: stranger(), ..good.pool };
    let (other_pool, _) = deploy(Parameters { pool: other, ..good }).unwrap();
    let contract_address = IPoolDispatcher { contract_address: other_pool }.job_manager();
    let elsewhere = World { settlement: ISettlementDispatcher { contract_address }, ..world };
    let signed = elsewhere.sign(first_statement());
    assert_moves_nothing(world, signed, Refusals::BAD_SIGNATURE);
}

#[test]
fn a_rotated_key_no_longer_signs_statements_and_the_new_one_does() {
    let world = busy_world();
    act_as(worker());
    world.workers.register_worker(public_key('new secret'));
    world.forget_events();
    assert_moves_nothing(world, world.sign(first_statement()), Refusals::BAD_SIGNATURE);
    world.settlement.settle(array![world.sign_with(first_statement(), 'new secret')]);
    world.expect_of_manager(settled(first_statement()));
}

#[test]
fn a_statement_over_the_allowance_is_refused() {
    let world = busy_world();
    let signed = world.sign(Statement { amount: 4_001, ..first_statement() });
    assert_moves_nothing(world, signed, PoolRefusals::INSUFFICIENT_ALLOWANCE);
}

#[test]
fn a_statement_over_the_deposit_is_refused() {
    let world = busy_world();
    act_as(sponsor());
    world.sponsors.set_allowance(operator(), 50_000);
    let signed = world.sign(Statement { amount: 10_001, ..first_statement() });
    assert_moves_nothing(world, signed, PoolRefusals::INSUFFICIENT_DEPOSIT);
}

#[test]
fn the_allowance_is_the_callers_and_a_stranger_has_none() {
    let world = busy_world();
    act_as(stranger());
    let signed = world.sign_for(stranger(), first_statement(), WORKER_SECRET);
    world.settlement.settle(array![signed]);
    let (_, data) = pop_log_raw(world.manager_address).unwrap();
    assert_eq!(data, [1, PoolRefusals::INSUFFICIENT_ALLOWANCE].span());
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 10_000);
}

#[test]
fn a_statement_for_another_operator_is_refused() {
    let world = busy_world();
    let signed = world.sign_for(stranger(), first_statement(), WORKER_SECRET);
    assert_moves_nothing(world, signed, Refusals::BAD_SIGNATURE);
    act_as(stranger());
    world.settlement.settle(array![world.sign(first_statement())]);
    let (_, data) = pop_log_raw(world.manager_address).unwrap();
    assert_eq!(data, [1, Refusals::BAD_SIGNATURE].span());
}

#[test]
fn an_allowance_is_used_up_across_statements() {
    let world = busy_world();
    world.pay(1, 2_500);
    world.forget_events();
    let second = world.sign(Statement { seq: 2, amount: 1_501, ..first_statement() });
    assert_moves_nothing(world, second, PoolRefusals::INSUFFICIENT_ALLOWANCE);
    world.pay(2, 1_500);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 0);
}

#[test]
fn one_bad_statement_does_not_sink_the_good_ones() {
    let world = busy_world();
    let first = first_statement();
    let forged = Statement { seq: 2, amount: 1, ..first };
    let second = Statement { seq: 2, ..first };
    let uncovered = Statement { seq: 3, amount: 9_000, ..first };
    let third = Statement { seq: 3, ..first };
    world
        .settlement
        .settle(
            array![
                world.sign(first),
                SignedStatement { statement: forged, signature_r: 1, signature_s: 1 },
                world.sign(second),
                world.sign(uncovered),
                world.sign(third),
            ]
        );
    world.expect_of_manager(settled(first));
    world.expect_of_manager(refused(forged, Refusals::BAD_SIGNATURE));
    world.expect_of_manager(settled(second));
    world.expect_of_manager(refused(uncovered, PoolRefusals::INSUFFICIENT_ALLOWANCE));
    world.expect_of_manager(settled(third));
    assert_eq!(world.pending_of(worker()), (3_000, 0));
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 7_000);
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), 3);
}

fn copies(signed: SignedStatement, count: u32) -> Array<SignedStatement> {
    let mut statements = array![];
    for _ in 0..count {
        statements.append(signed);
    };
    statements
}

#[test]
#[feature("safe_dispatcher")]
fn a_call_takes_1_to_50_statements() {
    let world = busy_world();
    let safe = ISettlementSafeDispatcher { contract_address: world.manager_address };
    let signed = world.sign(first_statement());
    assert_refused(safe.settle(array![]), Errors::NO_STATEMENTS);
    let too_many = copies(signed, STATEMENTS_PER_CALL_MAX + 1);
    assert_refused(safe.settle(too_many), Errors::TOO_MANY_STATEMENTS);
    world.settlement.settle(copies(signed, STATEMENTS_PER_CALL_MAX));
    assert_eq!(world.pending_of(worker()), (1_000, 0));
}
