//! The guardian's pause: what it stops, what it cannot stop, and how it ends.

use crate::components::pause::PauseComponent::{Errors, Event, Paused, Unpaused};
use crate::components::roles::RolesComponent::Errors as RolesErrors;
use crate::hashes::commitment::poseidon_commitment;
use crate::interfaces::job_manager::{
    ICreditsDispatcherTrait, IFraudDispatcherTrait, IOnchainJobsDispatcherTrait,
    IOnchainJobsSafeDispatcher, IOnchainJobsSafeDispatcherTrait, IOperatorsDispatcherTrait,
    IPauseDispatcherTrait, IPauseSafeDispatcher, IPauseSafeDispatcherTrait, IRolesDispatcherTrait,
    ISettlementDispatcherTrait, ISettlementSafeDispatcher, ISettlementSafeDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPoolDispatcherTrait, ISponsorsDispatcherTrait,
    IStakesDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::attestation::Attestation;
use crate::types::evidence::Evidence;
use crate::types::onchain_job::OnchainJobState;
use crate::types::roles::Role;
use crate::types::statement::{OperatorSignedStatement, Statement};
use starknet::testing::pop_log_raw;
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::evidence::evidence_of;
use super::signer::{public_key, sign};
use super::world::{
    NOTICE, START, UNBONDING, WINDOW, WORKER_SECRET, World, WorldTrait, act_as, assert_refused, at,
    busy_world, empty_world, first_statement, guardian, operator, registrar, sponsor, stranger,
    worker
};

const END: u64 = START + WINDOW;
const AGAIN: u64 = END + 2 * WINDOW;
const PRICE: u128 = 100;
const DEADLINE: u64 = START + NOTICE;
const OPERATOR_SECRET: felt252 = 'operator secret';
const EVERYTHING: u128 = 0xffffffffffffffffffffffffffffffff;
const STEP: u64 = WINDOW / 4;

fn poster() -> ContractAddress {
    contract_address_const::<'poster'>()
}

fn event(event: Event) -> ManagerEvent {
    ManagerEvent::PauseEvent(event)
}

fn pause_at(world: World, moment: u64) {
    at(moment);
    act_as(guardian());
    world.pause.pause();
    world.forget_events();
}

fn unpause_at(world: World, moment: u64) {
    at(moment);
    act_as(guardian());
    world.pause.unpause();
    world.forget_events();
}

/// Nobody is in it, and a pause began at `START`.
fn paused_world() -> World {
    let world = empty_world();
    pause_at(world, START);
    world
}

/// The poster has approved two jobs and posted one, whose number is returned.
fn posted_world() -> (World, felt252) {
    let world = empty_world();
    world.add_worker(worker(), 600, WORKER_SECRET);
    world.add_hash_model();
    world.fund(poster(), 2 * PRICE);
    let job = post(world);
    world.forget_events();
    (world, job)
}

fn post(world: World) -> felt252 {
    act_as(poster());
    world.jobs.post_job('hash', PRICE, DEADLINE, "input")
}

#[feature("safe_dispatcher")]
fn try_pause(world: World, caller: ContractAddress) -> SyscallResult<()> {
    act_as(caller);
    IPauseSafeDispatcher { contract_address: world.manager_address }.pause()
}

#[feature("safe_dispatcher")]
fn try_unpause(world: World, caller: ContractAddress) -> SyscallResult<()> {
    act_as(caller);
    IPauseSafeDispatcher { contract_address: world.manager_address }.unpause()
}

#[feature("safe_dispatcher")]
fn try_settle(world: World, statement: Statement) -> SyscallResult<()> {
    act_as(operator());
    ISettlementSafeDispatcher { contract_address: world.manager_address }
        .settle(array![world.sign(statement)])
}

#[feature("safe_dispatcher")]
fn try_settle_for(world: World, statement: Statement) -> SyscallResult<()> {
    act_as(worker());
    let message = world.settlement.statement_message_hash(statement, operator(), operator());
    let (operator_r, operator_s) = sign(message, OPERATOR_SECRET);
    let signed = world.sign(statement);
    ISettlementSafeDispatcher { contract_address: world.manager_address }
        .settle_for(operator(), array![OperatorSignedStatement { signed, operator_r, operator_s }])
}

#[feature("safe_dispatcher")]
fn try_post(world: World) -> SyscallResult<felt252> {
    act_as(poster());
    IOnchainJobsSafeDispatcher { contract_address: world.manager_address }
        .post_job('hash', PRICE, DEADLINE, "input")
}

/// The worker's signed word that the job gave this output.
fn evidence(world: World, job: felt252, output: @ByteArray) -> Evidence {
    let attestation = Attestation {
        job,
        epoch: 0,
        model: 'hash',
        input: poseidon_commitment(@"input"),
        output: poseidon_commitment(output),
        contract: world.manager_address,
        worker: worker()
    };
    evidence_of(world, attestation, WORKER_SECRET)
}

#[feature("safe_dispatcher")]
fn try_fulfil(world: World, job: felt252) -> SyscallResult<()> {
    act_as(worker());
    let evidence = evidence(world, job, @"output");
    IOnchainJobsSafeDispatcher { contract_address: world.manager_address }
        .fulfil(evidence, "output")
}

fn assert_silent(world: World) {
    assert!(pop_log_raw(world.manager_address).is_none(), "the JobManager emitted something");
    assert!(pop_log_raw(world.pool_address).is_none(), "the pool emitted something");
}

fn assert_nothing_settled(world: World) {
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 10_000);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 4_000);
    assert_eq!(world.pending_of(worker()), (0, 0));
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), 0);
    assert_silent(world);
}

fn is_running(world: World) -> bool {
    let outcome = try_unpause(world, guardian());
    outcome.is_ok()
}

// Pausing

#[test]
fn a_deployment_is_not_paused_and_may_be_at_once() {
    let world = empty_world();
    assert_eq!(world.pause.paused_until(), 0);
    assert_eq!(world.pause.may_pause_from(), 0);
}

#[test]
fn a_pause_is_announced_with_its_end_one_window_away() {
    let world = empty_world();
    world.forget_events();
    act_as(guardian());
    world.pause.pause();
    world.expect_of_manager(event(Event::Paused(Paused { until: END })));
    assert_silent(world);
    assert_eq!(world.pause.paused_until(), END);
    assert_eq!(world.pause.may_pause_from(), AGAIN);
}

#[test]
fn only_the_guardian_pauses() {
    let world = empty_world();
    world.forget_events();
    for caller in array![
        stranger(), registrar(), sponsor(), worker(), operator(), world.pool_address
    ] {
        assert_refused(try_pause(world, caller), RolesErrors::ONLY_GUARDIAN);
    };
    assert_eq!(world.pause.paused_until(), 0);
    assert_silent(world);
}

#[test]
fn only_the_guardian_unpauses() {
    let world = paused_world();
    for caller in array![
        stranger(), registrar(), sponsor(), worker(), operator(), world.pool_address
    ] {
        assert_refused(try_unpause(world, caller), RolesErrors::ONLY_GUARDIAN);
    };
    assert_eq!(world.pause.paused_until(), END);
    assert_silent(world);
}

#[test]
fn a_pause_cannot_be_renewed_before_two_windows_after_its_end() {
    let world = paused_world();
    for moment in array![
        START, START + 1, END - 1, END, END + WINDOW, AGAIN - 1
    ] {
        at(moment);
        assert_refused(try_pause(world, guardian()), Errors::TOO_SOON);
        assert_eq!(world.pause.paused_until(), END);
        assert_silent(world);
    };
    at(AGAIN);
    try_pause(world, guardian()).unwrap();
    assert_eq!(world.pause.paused_until(), AGAIN + WINDOW);
    assert_eq!(world.pause.may_pause_from(), AGAIN + 3 * WINDOW);
}

// Unpausing

#[test]
fn unpausing_ends_the_pause_at_once_and_is_announced() {
    let world = busy_world();
    pause_at(world, START);
    at(START + 10);
    act_as(guardian());
    world.pause.unpause();
    world.expect_of_manager(event(Event::Unpaused(Unpaused {})));
    assert_silent(world);
    assert_eq!(world.pause.paused_until(), START + 10);
    try_settle(world, first_statement()).unwrap();
    assert_eq!(world.pending_of(worker()), (1_000, 0));
}

#[test]
fn after_an_early_end_the_cool_down_counts_from_there() {
    let world = paused_world();
    unpause_at(world, START + 10);
    let again = START + 10 + 2 * WINDOW;
    assert_eq!(world.pause.may_pause_from(), again);
    at(again - 1);
    assert_refused(try_pause(world, guardian()), Errors::TOO_SOON);
    assert_eq!(world.pause.paused_until(), START + 10);
    at(again);
    try_pause(world, guardian()).unwrap();
    assert_eq!(world.pause.paused_until(), again + WINDOW);
}

#[test]
fn a_pause_that_ends_in_the_second_it_began_still_costs_the_cool_down() {
    let world = paused_world();
    unpause_at(world, START);
    at(START + 2 * WINDOW - 1);
    assert_refused(try_pause(world, guardian()), Errors::TOO_SOON);
    at(START + 2 * WINDOW);
    try_pause(world, guardian()).unwrap();
}

#[test]
fn unpausing_when_nothing_is_paused_is_refused() {
    let world = empty_world();
    world.forget_events();
    assert_refused(try_unpause(world, guardian()), Errors::NOT_PAUSED);
    assert_eq!(world.pause.paused_until(), 0);
    assert_silent(world);
}

#[test]
fn unpausing_twice_is_refused() {
    let world = paused_world();
    unpause_at(world, START + 10);
    assert_refused(try_unpause(world, guardian()), Errors::NOT_PAUSED);
    at(START + 11);
    assert_refused(try_unpause(world, guardian()), Errors::NOT_PAUSED);
    assert_eq!(world.pause.paused_until(), START + 10);
}

#[test]
fn a_pause_can_be_ended_in_its_last_second_and_not_after() {
    let world = paused_world();
    at(END);
    assert!(!is_running(world));
    assert_eq!(world.pause.paused_until(), END);
    at(END - 1);
    assert!(is_running(world));
    assert_eq!(world.pause.paused_until(), END - 1);
}

// What it stops

#[test]
fn settling_is_refused_until_the_pause_ends_by_itself() {
    let world = busy_world();
    pause_at(world, START);
    for moment in array![
        START, END - 1
    ] {
        at(moment);
        assert_refused(try_settle(world, first_statement()), Errors::PAUSED);
        assert_nothing_settled(world);
    };
    at(END);
    try_settle(world, first_statement()).unwrap();
    assert_eq!(world.pending_of(worker()), (1_000, 0));
    assert_eq!(Errors::PAUSED, 'settlement is paused');
}

#[test]
fn settling_for_an_operator_is_refused_until_the_pause_ends_by_itself() {
    let world = busy_world();
    world.operators.register_operator(public_key(OPERATOR_SECRET));
    pause_at(world, START);
    for moment in array![
        START, END - 1
    ] {
        at(moment);
        assert_refused(try_settle_for(world, first_statement()), Errors::PAUSED);
        assert_nothing_settled(world);
    };
    at(END);
    try_settle_for(world, first_statement()).unwrap();
    assert_eq!(world.pending_of(worker()), (1_000, 0));
}

#[test]
fn posting_is_refused_until_the_pause_ends_by_itself() {
    let (world, job) = posted_world();
    pause_at(world, START);
    for moment in array![
        START, END - 1
    ] {
        at(moment);
        assert_refused(try_post(world), Errors::PAUSED);
        assert_eq!(world.jobs.onchain_job(job + 1).state, OnchainJobState::Absent);
        assert_eq!(world.pool.escrow_of(poster()), PRICE);
        assert_eq!(world.balance_of(poster()), PRICE.into());
        assert_silent(world);
    };
    at(END);
    assert_eq!(try_post(world).unwrap(), job + 1);
}

#[test]
fn fulfilling_is_refused_until_the_pause_ends_by_itself() {
    let (world, job) = posted_world();
    pause_at(world, START);
    for moment in array![
        START, END - 1
    ] {
        at(moment);
        assert_refused(try_fulfil(world, job), Errors::PAUSED);
        assert_eq!(world.jobs.onchain_job(job).state, OnchainJobState::Open);
        assert_eq!(world.pool.escrow_of(poster()), PRICE);
        assert_silent(world);
    };
    at(END);
    try_fulfil(world, job).unwrap();
    assert_eq!(world.jobs.onchain_job(job).state, OnchainJobState::Fulfilled);
}

// What it cannot stop

#[test]
fn depositing_goes_on_in_a_pause() {
    let world = busy_world();
    pause_at(world, START);
    world.fund(sponsor(), 50);
    world.sponsors.deposit(operator(), 50);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 10_050);
}

#[test]
fn withdrawals_are_announced_and_paid_in_a_pause() {
    let world = busy_world();
    pause_at(world, START);
    act_as(sponsor());
    world.sponsors.announce_withdrawal(operator(), EVERYTHING);
    pause_at(world, AGAIN);
    act_as(sponsor());
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 10_000);
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 0);
}

#[test]
fn stakes_are_added_announced_and_taken_in_a_pause() {
    let world = busy_world();
    pause_at(world, START);
    world.fund(worker(), 50);
    world.stakes.stake(50);
    world.stakes.announce_unstake(EVERYTHING);
    pause_at(world, START + UNBONDING);
    act_as(worker());
    world.stakes.unstake();
    assert_eq!(world.balance_of(worker()), 550);
    assert_eq!(world.stakes.stake_of(worker()), 0);
}

#[test]
fn mature_pay_is_claimed_and_its_credits_are_minted_in_a_pause() {
    let world = busy_world();
    world.pay(1, 300);
    pause_at(world, START + 2 * WINDOW);
    act_as(worker());
    world.claim(worker());
    world.credits.mint_credits(worker());
    assert_eq!(world.balance_of(worker()), 300);
    assert_eq!(world.credits.credits_minted(), 300);
}

#[test]
fn a_job_is_reclaimed_in_a_pause() {
    let (world, job) = posted_world();
    pause_at(world, DEADLINE);
    act_as(poster());
    world.jobs.reclaim(job);
    assert_eq!(world.jobs.onchain_job(job).state, OnchainJobState::Reclaimed);
    assert_eq!(world.balance_of(poster()), (2 * PRICE).into());
}

#[test]
fn equivocation_is_shown_and_the_pay_returned_in_a_pause() {
    let world = busy_world();
    world.pay(1, 1_000);
    pause_at(world, START);
    act_as(stranger());
    world.fraud.slash_equivocation(evidence(world, 7, @"first"), evidence(world, 7, @"second"));
    assert_eq!(world.stakes.slashed_at(worker()), START);
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_eq!(world.balance_of(stranger()), 250);
    world.pay.return_pay(worker(), [sponsor()].span());
    assert_eq!(world.balance_of(sponsor()), 1_000);
}

#[test]
fn a_wrong_output_is_adjudicated_in_a_pause() {
    let world = busy_world();
    world.add_hash_model();
    pause_at(world, START);
    act_as(stranger());
    world.fraud.adjudicate(evidence(world, 7, @"no digest"), "input", [].span());
    assert_eq!(world.stakes.slashed_at(worker()), START);
    assert_eq!(world.stakes.stake_of(worker()), 0);
}

// Whom it cannot harm

#[test]
fn a_new_guardian_does_not_renew_the_pause_and_may_end_it() {
    let world = empty_world();
    act_as(guardian());
    world.roles.propose_handover(Role::Guardian, stranger());
    pause_at(world, START + NOTICE - 1);
    at(START + NOTICE);
    act_as(stranger());
    world.roles.accept_handover(Role::Guardian);
    assert_refused(try_pause(world, stranger()), Errors::TOO_SOON);
    assert_refused(try_unpause(world, guardian()), RolesErrors::ONLY_GUARDIAN);
    try_unpause(world, stranger()).unwrap();
    assert_refused(try_pause(world, stranger()), Errors::TOO_SOON);
    assert_eq!(world.pause.may_pause_from(), START + NOTICE + 2 * WINDOW);
}

/// Whether settlement was open at each step of six windows, with a guardian that pauses at `first`
/// and from then on whenever it may.
fn walk(world: World, first: u64) -> Array<bool> {
    let mut open = array![];
    let mut seq = 1;
    let mut now = START;
    while now != START + 6 * WINDOW {
        at(now);
        if now >= first {
            let _ = try_pause(world, guardian());
        }
        let settled = try_settle(world, Statement { seq, amount: 1, ..first_statement() }).is_ok();
        if settled {
            seq += 1;
        }
        open.append(settled);
        now += STEP;
    };
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), seq - 1);
    open
}

fn open_steps(timeline: Span<bool>) -> u64 {
    let mut count = 0;
    for open in timeline {
        if *open {
            count += 1;
        }
    };
    count
}

#[test]
fn within_any_notice_there_is_a_window_in_which_a_worker_can_settle() {
    let steps: u32 = (NOTICE / STEP).try_into().unwrap();
    for first in array![
        START, START + STEP
    ] {
        let timeline = walk(busy_world(), first).span();
        let mut least = NOTICE;
        let notices = timeline.len() - steps + 1;
        for announced in 0
            ..notices {
                let open = open_steps(timeline.slice(announced, steps)) * STEP;
                assert!(open >= WINDOW);
                least = core::cmp::min(least, open);
            };
        assert_eq!(least, WINDOW);
    };
}

#[test]
fn a_sponsor_that_leaves_with_the_pauses_help_pays_its_debt_first() {
    let world = busy_world();
    act_as(sponsor());
    world.sponsors.announce_withdrawal(operator(), EVERYTHING);
    pause_at(world, START);
    at(END - 1);
    assert_refused(try_settle(world, first_statement()), Errors::PAUSED);
    at(END);
    assert_refused(try_pause(world, guardian()), Errors::TOO_SOON);
    at(START + NOTICE - 1);
    assert_refused(try_pause(world, guardian()), Errors::TOO_SOON);
    try_settle(world, first_statement()).unwrap();
    at(START + NOTICE);
    act_as(sponsor());
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 9_000);
    assert_eq!(world.pending_of(worker()), (1_000, 0));
}

#[test]
fn a_notice_around_a_whole_pause_leaves_half_a_window_on_either_side() {
    let world = busy_world();
    pause_at(world, START);
    let announced = AGAIN - WINDOW / 2;
    at(announced);
    act_as(sponsor());
    world.sponsors.announce_withdrawal(operator(), EVERYTHING);
    at(AGAIN - 1);
    try_settle(world, first_statement()).unwrap();
    pause_at(world, AGAIN);
    let second = Statement { seq: 2, ..first_statement() };
    at(AGAIN + WINDOW - 1);
    assert_refused(try_settle(world, second), Errors::PAUSED);
    at(AGAIN + WINDOW);
    try_settle(world, second).unwrap();
    at(announced + NOTICE);
    act_as(sponsor());
    world.sponsors.withdraw(operator());
    assert_eq!(world.balance_of(sponsor()), 8_000);
}
