//! Operators' keys, and the statements that anyone may send because an operator has signed them.

use crate::components::operator_keys::OperatorKeysComponent::{
    Event as OperatorKeysEvent, OperatorRegistered
};
use crate::components::pause::PauseComponent::Errors as PauseErrors;
use crate::components::sponsors::SponsorsComponent::Refusals as PoolRefusals;
use crate::components::stakes::StakesComponent::Refusals as StakeRefusals;
use crate::components::worker_keys::WorkerKeysComponent::Errors as KeyErrors;
use crate::interfaces::job_manager::{
    IOperatorsDispatcherTrait, IOperatorsSafeDispatcher, IOperatorsSafeDispatcherTrait,
    IPauseDispatcherTrait, ISettlementDispatcher, ISettlementDispatcherTrait,
    ISettlementSafeDispatcher, ISettlementSafeDispatcherTrait
};
use crate::interfaces::pool::{
    IPoolDispatcher, IPoolDispatcherTrait, ISponsorsDispatcherTrait, IStakesDispatcherTrait
};
use crate::job_manager::JobManager::{
    Errors, Event, Refusals, STATEMENTS_PER_CALL_MAX, StatementRefused, StatementSettled
};
use crate::pool::CdcPool::Refusals as MoneyRefusals;
use crate::types::parameters::PoolParameters;
use crate::types::statement::{OperatorSignedStatement, SignedStatement, Statement};
use starknet::{ContractAddress, contract_address_const};
use starknet::testing::{pop_log_raw, set_chain_id};
use super::signer::{public_key, sign};
use super::world::{
    ALLOWANCE_EPOCH, CHAIN_ID, NOTICE, Parameters, START, WORKER_SECRET, World, WorldTrait, act_as,
    assert_refused, at, busy_world, deploy, empty_world, first_statement, good_parameters, guardian,
    operator, sponsor, stranger, worker
};

const OPERATOR_SECRET: felt252 = 0x0b5e55;

fn twin() -> ContractAddress {
    contract_address_const::<'twin'>()
}

/// `busy_world` with a key registered for the operator, and the stranger as caller.
fn operator_world() -> World {
    let world = busy_world();
    world.operators.register_operator(public_key(OPERATOR_SECRET));
    world.forget_events();
    act_as(stranger());
    world
}

fn settlement(world: World) -> ISettlementSafeDispatcher {
    ISettlementSafeDispatcher { contract_address: world.manager_address }
}

fn operators(world: World) -> IOperatorsSafeDispatcher {
    IOperatorsSafeDispatcher { contract_address: world.manager_address }
}

fn registered(operator: ContractAddress, public_key: felt252) -> Event {
    let registered = OperatorRegistered { operator, public_key };
    Event::OperatorKeysEvent(OperatorKeysEvent::OperatorRegistered(registered))
}

fn settled(statement: Statement) -> Event {
    let Statement { sponsor, worker, seq, count, amount, receipts } = statement;
    let operator = operator();
    Event::StatementSettled(
        StatementSettled { sponsor, worker, operator, seq, count, amount, receipts }
    )
}

fn refused(operator: ContractAddress, statement: Statement, reason: felt252) -> Event {
    let Statement { sponsor, worker, seq, .. } = statement;
    Event::StatementRefused(StatementRefused { sponsor, worker, operator, seq, reason })
}

/// Adds the operator's signature, made with `secret`.
fn add_operator(world: World, signed: SignedStatement, secret: felt252) -> OperatorSignedStatement {
    let message = world.settlement.statement_message_hash(signed.statement, operator(), operator());
    let (operator_r, operator_s) = sign(message, secret);
    OperatorSignedStatement { signed, operator_r, operator_s }
}

/// Signed by the worker and by the operator of `operator_world`.
fn sign_both(world: World, statement: Statement) -> OperatorSignedStatement {
    add_operator(world, world.sign(statement), OPERATOR_SECRET)
}

fn assert_pays(world: World, both: OperatorSignedStatement) {
    world.settlement.settle_for(operator(), array![both]);
    world.expect_of_manager(settled(both.signed.statement));
}

/// The deposit, the allowance, the worker's pay and the last number.
fn money(world: World) -> (u128, u128, (u128, u128), u128) {
    (
        world.sponsors.deposit_of(sponsor(), operator()),
        world.sponsors.allowance_of(sponsor(), operator()),
        world.pending_of(worker()),
        world.pool.last_seq(sponsor(), operator(), worker())
    )
}

/// Sees this one refused in `settle_for`, with no money moved.
fn assert_moves_nothing(world: World, both: OperatorSignedStatement, reason: felt252) {
    let before = money(world);
    world.settlement.settle_for(operator(), array![both]);
    world.expect_of_manager(refused(operator(), both.signed.statement, reason));
    assert!(pop_log_raw(world.manager_address).is_none());
    assert!(money(world) == before);
}

fn copies(both: OperatorSignedStatement, count: u32) -> Array<OperatorSignedStatement> {
    let mut statements = array![];
    for _ in 0..count {
        statements.append(both);
    };
    statements
}

#[test]
fn an_operator_registers_its_key() {
    let world = empty_world();
    let key = public_key(OPERATOR_SECRET);
    assert_eq!(world.operators.operator_key(operator()), 0);
    act_as(operator());
    world.operators.register_operator(key);
    world.expect_of_manager(registered(operator(), key));
    assert!(pop_log_raw(world.manager_address).is_none());
    assert_eq!(world.operators.operator_key(operator()), key);
    assert_eq!(world.operators.operator_key(stranger()), 0);
}

#[test]
fn an_operators_registered_event_has_two_keys_and_one_word_of_data() {
    let world = busy_world();
    let key = public_key(OPERATOR_SECRET);
    world.operators.register_operator(key);
    let (keys, data) = pop_log_raw(world.manager_address).unwrap();
    assert_eq!(keys, [selector!("OperatorRegistered"), operator().into()].span());
    assert_eq!(data, [key].span());
}

#[test]
fn everyone_registers_for_itself_alone() {
    let world = operator_world();
    world.operators.register_operator(public_key('another secret'));
    world.expect_of_manager(registered(stranger(), public_key('another secret')));
    assert_eq!(world.operators.operator_key(operator()), public_key(OPERATOR_SECRET));
    assert_pays(world, sign_both(world, first_statement()));
}

#[test]
#[feature("safe_dispatcher")]
fn what_is_no_point_of_the_curve_is_no_operator_key() {
    let world = operator_world();
    act_as(operator());
    // 5 is the x coordinate of no point: 5^3 + 5 + beta is not a square.
    assert_refused(operators(world).register_operator(5), KeyErrors::NOT_A_KEY);
    assert_eq!(world.operators.operator_key(operator()), public_key(OPERATOR_SECRET));
    assert!(pop_log_raw(world.manager_address).is_none());
}

#[test]
#[feature("safe_dispatcher")]
fn zero_takes_the_key_away_and_the_power_of_what_it_signed() {
    let world = operator_world();
    let both = sign_both(world, first_statement());
    let before = money(world);
    act_as(operator());
    world.operators.register_operator(0);
    world.expect_of_manager(registered(operator(), 0));
    assert_eq!(world.operators.operator_key(operator()), 0);
    act_as(stranger());
    let outcome = settlement(world).settle_for(operator(), array![both]);
    assert_refused(outcome, Errors::OPERATOR_NOT_REGISTERED);
    assert!(pop_log_raw(world.manager_address).is_none());
    assert!(money(world) == before);
}

#[test]
fn an_operator_without_a_key_still_settles_by_itself() {
    let world = operator_world();
    act_as(operator());
    world.operators.register_operator(0);
    world.forget_events();
    world.settlement.settle(array![world.sign(first_statement())]);
    world.expect_of_manager(settled(first_statement()));
}

#[test]
#[feature("safe_dispatcher")]
fn an_operator_that_never_registered_is_refused() {
    let world = busy_world();
    let both = sign_both(world, first_statement());
    let before = money(world);
    let outcome = settlement(world).settle_for(operator(), array![both]);
    assert_refused(outcome, Errors::OPERATOR_NOT_REGISTERED);
    assert!(money(world) == before);
}

#[test]
fn a_rotated_operator_key_no_longer_signs_and_the_new_one_does() {
    let world = operator_world();
    act_as(operator());
    world.operators.register_operator(public_key('new secret'));
    world.forget_events();
    act_as(stranger());
    let old = sign_both(world, first_statement());
    assert_moves_nothing(world, old, Refusals::BAD_OPERATOR_SIGNATURE);
    assert_pays(world, add_operator(world, old.signed, 'new secret'));
}

#[test]
fn a_worker_or_a_stranger_or_the_operator_sends_and_the_operators_allowance_pays() {
    let world = operator_world();
    let mut seq = 1;
    for sender in array![
        worker(), stranger(), operator()
    ] {
        let statement = Statement { seq, ..first_statement() };
        act_as(sender);
        assert_pays(world, sign_both(world, statement));
        assert!(pop_log_raw(world.manager_address).is_none());
        let paid = seq * 1_000;
        assert!(money(world) == (10_000 - paid, 4_000 - paid, (paid, 0), seq));
        seq += 1;
    }
}

#[test]
fn the_senders_own_allowance_is_not_touched() {
    let world = operator_world();
    act_as(sponsor());
    world.sponsors.set_allowance(stranger(), 4_000);
    act_as(stranger());
    assert_pays(world, sign_both(world, first_statement()));
    assert_eq!(world.sponsors.allowance_of(sponsor(), stranger()), 4_000);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 3_000);
    let over = sign_both(world, Statement { seq: 2, amount: 3_001, ..first_statement() });
    assert_moves_nothing(world, over, PoolRefusals::INSUFFICIENT_ALLOWANCE);
}

#[test]
fn an_operator_that_the_sponsor_revoked_pays_nothing() {
    let world = operator_world();
    act_as(sponsor());
    world.sponsors.set_allowance(operator(), 0);
    at(START + NOTICE);
    let both = sign_both(world, first_statement());
    assert_moves_nothing(world, both, PoolRefusals::INSUFFICIENT_ALLOWANCE);
}

#[test]
fn both_ways_of_settling_spend_one_allowance() {
    let world = operator_world();
    world.pay(1, 2_500);
    world.forget_events();
    let over = sign_both(world, Statement { seq: 2, amount: 1_501, ..first_statement() });
    assert_moves_nothing(world, over, PoolRefusals::INSUFFICIENT_ALLOWANCE);
    at(START + ALLOWANCE_EPOCH);
    assert_pays(world, over);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 2_499);
}

#[test]
fn consecutive_statements_of_one_call_settle_in_their_order() {
    let world = operator_world();
    let first = first_statement();
    let second = Statement { seq: 2, amount: 2_000, ..first };
    let both = array![sign_both(world, first), sign_both(world, second)];
    world.settlement.settle_for(operator(), both);
    world.expect_of_manager(settled(first));
    world.expect_of_manager(settled(second));
    assert!(money(world) == (7_000, 1_000, (3_000, 0), 2));
}

#[test]
fn a_bad_operator_signature_does_not_sink_the_good_statements() {
    let world = operator_world();
    let first = first_statement();
    let second = Statement { seq: 2, ..first };
    let uncovered = Statement { seq: 3, amount: 9_000, ..first };
    let good = sign_both(world, second);
    let by_another = add_operator(world, world.sign(second), 'another secret');
    let unsigned = SignedStatement { statement: second, signature_r: 1, signature_s: 1 };
    let by_no_worker = add_operator(world, unsigned, OPERATOR_SECRET);
    world
        .settlement
        .settle_for(
            operator(),
            array![
                sign_both(world, first),
                by_another,
                by_no_worker,
                good,
                sign_both(world, uncovered),
                OperatorSignedStatement { operator_s: good.operator_r, ..good },
                sign_both(world, Statement { seq: 3, ..first }),
            ]
        );
    world.expect_of_manager(settled(first));
    world.expect_of_manager(refused(operator(), second, Refusals::BAD_OPERATOR_SIGNATURE));
    world.expect_of_manager(refused(operator(), second, Refusals::BAD_SIGNATURE));
    world.expect_of_manager(settled(second));
    world.expect_of_manager(refused(operator(), uncovered, PoolRefusals::INSUFFICIENT_ALLOWANCE));
    world.expect_of_manager(refused(operator(), second, Refusals::BAD_OPERATOR_SIGNATURE));
    world.expect_of_manager(settled(Statement { seq: 3, ..first }));
    assert!(money(world) == (7_000, 1_000, (3_000, 0), 3));
}

#[test]
fn the_workers_signature_alone_is_refused() {
    let world = operator_world();
    let signed = world.sign(first_statement());
    let SignedStatement { signature_r, signature_s, .. } = signed;
    for (
        operator_r, operator_s
    ) in array![
        (0, 0), (signature_r, signature_s)
    ] {
        let alone = OperatorSignedStatement { signed, operator_r, operator_s };
        assert_moves_nothing(world, alone, Refusals::BAD_OPERATOR_SIGNATURE);
    };
    let by_worker = add_operator(world, signed, WORKER_SECRET);
    assert_moves_nothing(world, by_worker, Refusals::BAD_OPERATOR_SIGNATURE);
}

#[test]
fn the_operators_signature_does_not_replace_the_workers() {
    let world = operator_world();
    let statement = first_statement();
    let both = sign_both(world, statement);
    let signature_r = both.operator_r;
    let signature_s = both.operator_s;
    let copied = SignedStatement { statement, signature_r, signature_s };
    let by_operator = world.sign_with(statement, OPERATOR_SECRET);
    let missing = SignedStatement { statement, signature_r: 0, signature_s: 0 };
    for signed in array![
        copied, by_operator, missing
    ] {
        let alone = OperatorSignedStatement { signed, ..both };
        assert_moves_nothing(world, alone, Refusals::BAD_SIGNATURE);
    };
}

#[test]
fn an_operators_signature_of_another_statement_is_refused() {
    let world = operator_world();
    world.add_worker(twin(), 500, WORKER_SECRET);
    world.add_sponsor(stranger(), 5_000, 5_000);
    world.forget_events();
    let first = first_statement();
    let both = sign_both(world, Statement { seq: 2, ..first });
    let changed = array![
        first,
        Statement { seq: 2, sponsor: stranger(), ..first },
        Statement { seq: 2, worker: twin(), ..first },
        Statement { seq: 2, count: 101, ..first },
        Statement { seq: 2, amount: 1_001, ..first },
        Statement { seq: 2, receipts: 'other root', ..first },
    ];
    for statement in changed {
        let forged = OperatorSignedStatement { signed: world.sign(statement), ..both };
        assert_moves_nothing(world, forged, Refusals::BAD_OPERATOR_SIGNATURE);
    };
    assert_eq!(world.sponsors.deposit_of(stranger(), operator()), 5_000);
    assert_eq!(world.pending_of(twin()), (0, 0));
}

#[test]
fn an_operators_signature_for_another_chain_is_refused() {
    let world = operator_world();
    let signed = world.sign(first_statement());
    set_chain_id('SN_MAIN');
    let both = add_operator(world, signed, OPERATOR_SECRET);
    set_chain_id(CHAIN_ID);
    assert_moves_nothing(world, both, Refusals::BAD_OPERATOR_SIGNATURE);
}

#[test]
fn an_operators_signature_for_another_contract_is_refused() {
    let world = operator_world();
    let parameters = good_parameters();
    let pool = PoolParameters { treasury: stranger(), ..parameters.pool };
    let (other_pool, _) = deploy(Parameters { pool, ..parameters }).unwrap();
    let contract_address = IPoolDispatcher { contract_address: other_pool }.job_manager();
    let elsewhere = World { settlement: ISettlementDispatcher { contract_address }, ..world };
    let both = add_operator(elsewhere, world.sign(first_statement()), OPERATOR_SECRET);
    assert_moves_nothing(world, both, Refusals::BAD_OPERATOR_SIGNATURE);
}

#[test]
fn an_operators_signature_by_another_key_is_refused() {
    let world = operator_world();
    world.operators.register_operator(public_key('another secret'));
    world.forget_events();
    let both = add_operator(world, world.sign(first_statement()), 'another secret');
    assert_moves_nothing(world, both, Refusals::BAD_OPERATOR_SIGNATURE);
}

#[test]
fn a_signature_for_one_operator_does_not_spend_the_allowance_of_another_with_the_same_key() {
    let world = operator_world();
    act_as(sponsor());
    world.sponsors.set_allowance(twin(), 4_000);
    act_as(twin());
    world.operators.register_operator(public_key(OPERATOR_SECRET));
    world.forget_events();
    let before = money(world);
    let both = sign_both(world, first_statement());
    world.settlement.settle_for(twin(), array![both]);
    let event = refused(twin(), first_statement(), Refusals::BAD_OPERATOR_SIGNATURE);
    world.expect_of_manager(event);
    assert_eq!(world.sponsors.allowance_of(sponsor(), twin()), 4_000);
    assert!(money(world) == before);
}

#[test]
fn edge_operator_signatures_are_refused() {
    let world = operator_world();
    let both = sign_both(world, first_statement());
    let order = core::ec::stark_curve::ORDER;
    for edge in array![
        0, order, order + 1, -1
    ] {
        let bad_r = OperatorSignedStatement { operator_r: edge, ..both };
        let bad_s = OperatorSignedStatement { operator_s: edge, ..both };
        assert_moves_nothing(world, bad_r, Refusals::BAD_OPERATOR_SIGNATURE);
        assert_moves_nothing(world, bad_s, Refusals::BAD_OPERATOR_SIGNATURE);
    };
}

#[test]
fn a_statement_signed_by_both_is_refused_for_what_settle_refuses() {
    let world = operator_world();
    let first = first_statement();
    let refusals = array![
        (Statement { count: 0, ..first }, Refusals::BAD_COUNT),
        (Statement { count: 1_001, ..first }, Refusals::BAD_COUNT),
        (Statement { amount: 0, ..first }, Refusals::ZERO_AMOUNT),
        (Statement { worker: stranger(), ..first }, Refusals::WORKER_NOT_REGISTERED),
        (Statement { seq: 0, ..first }, MoneyRefusals::WRONG_SEQ),
        (Statement { seq: 2, ..first }, MoneyRefusals::WRONG_SEQ),
        (Statement { amount: 4_001, ..first }, PoolRefusals::INSUFFICIENT_ALLOWANCE),
    ];
    for (
        statement, reason
    ) in refusals {
        assert_moves_nothing(world, sign_both(world, statement), reason);
    };
}

#[test]
fn a_statement_signed_by_both_over_the_deposit_is_refused() {
    let world = operator_world();
    act_as(sponsor());
    world.sponsors.set_allowance(operator(), 50_000);
    let both = sign_both(world, Statement { amount: 10_001, ..first_statement() });
    assert_moves_nothing(world, both, PoolRefusals::INSUFFICIENT_DEPOSIT);
}

#[test]
fn a_worker_below_the_minimum_stake_cannot_pay_itself() {
    let world = operator_world();
    act_as(worker());
    world.stakes.announce_unstake(1);
    let both = sign_both(world, first_statement());
    assert_moves_nothing(world, both, StakeRefusals::STAKE_TOO_LOW);
}

#[test]
fn what_the_operator_settled_is_not_settled_again_for_it() {
    let world = operator_world();
    let both = sign_both(world, first_statement());
    act_as(operator());
    world.settlement.settle(array![both.signed]);
    world.forget_events();
    act_as(worker());
    assert_moves_nothing(world, both, MoneyRefusals::WRONG_SEQ);
}

#[test]
fn what_was_settled_for_the_operator_is_not_settled_again_by_either_way() {
    let world = operator_world();
    let both = sign_both(world, first_statement());
    assert_pays(world, both);
    let before = money(world);
    assert_moves_nothing(world, both, MoneyRefusals::WRONG_SEQ);
    act_as(operator());
    world.settlement.settle(array![both.signed]);
    world.expect_of_manager(refused(operator(), first_statement(), MoneyRefusals::WRONG_SEQ));
    assert!(money(world) == before);
}

#[test]
fn one_statement_twice_in_one_call_is_paid_once() {
    let world = operator_world();
    let both = sign_both(world, first_statement());
    world.settlement.settle_for(operator(), array![both, both]);
    world.expect_of_manager(settled(first_statement()));
    world.expect_of_manager(refused(operator(), first_statement(), MoneyRefusals::WRONG_SEQ));
    assert!(money(world) == (9_000, 3_000, (1_000, 0), 1));
}

#[test]
#[feature("safe_dispatcher")]
fn a_call_for_an_operator_takes_1_to_50_statements() {
    let world = operator_world();
    let safe = settlement(world);
    let both = sign_both(world, first_statement());
    let before = money(world);
    assert_refused(safe.settle_for(operator(), array![]), Errors::NO_STATEMENTS);
    let too_many = copies(both, STATEMENTS_PER_CALL_MAX + 1);
    assert_refused(safe.settle_for(operator(), too_many), Errors::TOO_MANY_STATEMENTS);
    assert!(pop_log_raw(world.manager_address).is_none());
    assert!(money(world) == before);
    world.settlement.settle_for(operator(), copies(both, STATEMENTS_PER_CALL_MAX));
    assert_eq!(world.pending_of(worker()), (1_000, 0));
}

#[test]
#[feature("safe_dispatcher")]
fn nothing_is_settled_for_an_operator_during_a_pause() {
    let world = operator_world();
    let both = sign_both(world, first_statement());
    let before = money(world);
    act_as(guardian());
    world.pause.pause();
    world.forget_events();
    act_as(worker());
    let outcome = settlement(world).settle_for(operator(), array![both]);
    assert_refused(outcome, PauseErrors::PAUSED);
    assert!(pop_log_raw(world.manager_address).is_none());
    assert!(money(world) == before);
}
