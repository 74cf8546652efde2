//! Posting on-chain jobs: the escrow, and every refusal.

use crate::components::model_registry::ModelRegistryComponent::Errors as ModelErrors;
use crate::components::onchain_jobs::OnchainJobsComponent::{
    DEADLINE_MAX_S, Errors, Event, INPUT_BYTES_MAX, JobPosted, NUMBER_BASE
};
use crate::components::pause::PauseComponent::Errors as PauseErrors;
use crate::components::vault::VaultComponent::Errors as VaultErrors;
use crate::interfaces::job_manager::IOnchainJobsDispatcherTrait;
use crate::interfaces::pool::IPoolDispatcherTrait;
use crate::types::onchain_job::OnchainJobState;
use starknet::testing::pop_log_raw;
use super::test_token::{ITestTokenDispatcherTrait, Mood as TokenMood};
use super::world::{WorldTrait, START, WINDOW, act_as, assert_refused, at, stranger};
use super::jobs_world::{
    DEADLINE, FIRST, PRICE, SECOND, add_model, assert_not_posted, assert_silent, bytes, event,
    input, open_job, pause, post, poster, ready_world, state_of, try_post
};

#[test]
fn posting_a_job_moves_real_tokens() {
    let world = ready_world();
    let before = world.balance_of(world.pool_address);
    assert_eq!(world.balance_of(poster()), (2 * PRICE).into());
    post(world);
    assert_eq!(world.balance_of(poster()), PRICE.into());
    assert_eq!(world.balance_of(world.pool_address), before + PRICE.into());
    assert_eq!(world.balance_of(world.manager_address), 0);
    assert_eq!(world.pool.escrow_of(poster()), PRICE);
}

#[test]
fn jobs_are_numbered_from_above_the_128_bit_numbers_of_gateways() {
    let world = ready_world();
    assert_eq!(post(world), FIRST);
    assert_eq!(post(world), SECOND);
    assert_eq!(FIRST, NUMBER_BASE + 1);
    let number: Option<u128> = FIRST.try_into();
    assert!(number.is_none());
    assert_eq!(world.pool.escrow_of(poster()), 2 * PRICE);
}

#[test]
fn a_posted_job_is_readable_and_announced_with_its_input() {
    let world = ready_world();
    assert_eq!(state_of(world, FIRST), OnchainJobState::Absent);
    let job = post(world);
    assert_eq!(world.jobs.onchain_job(job), open_job());
    let posted = JobPosted {
        job, poster: poster(), model: 'hash', price: PRICE, deadline: DEADLINE, input: input()
    };
    world.expect_of_manager(event(Event::JobPosted(posted)));
    assert_silent(world);
}

#[test]
fn a_posted_event_has_three_keys() {
    let world = ready_world();
    post(world);
    let (keys, _) = pop_log_raw(world.manager_address).unwrap();
    assert_eq!(keys, [selector!("JobPosted"), FIRST, poster().into(), 'hash'].span());
}

#[test]
fn what_is_exactly_at_the_limits_is_posted() {
    let world = ready_world();
    act_as(poster());
    world.jobs.post_job('hash', 10, START + 1, bytes(4_096));
    world.jobs.post_job('hash', 10, START + DEADLINE_MAX_S, "");
    assert_eq!(world.pool.escrow_of(poster()), 20);
}

#[test]
fn an_unregistered_model_is_refused() {
    let world = ready_world();
    for model in array![
        'hush', 0
    ] {
        let outcome = try_post(world, model, PRICE, DEADLINE, input());
        assert_not_posted(world, outcome, ModelErrors::NOT_REGISTERED);
    };
}

#[test]
fn a_model_with_the_sha256_scheme_is_refused() {
    let world = ready_world();
    add_model(world, 'picture', 'sha256', 0);
    world.forget_events();
    let outcome = try_post(world, 'picture', PRICE, DEADLINE, input());
    assert_not_posted(world, outcome, Errors::SCHEME_NOT_ON_CHAIN);
}

#[test]
fn a_price_below_the_models_minimum_is_refused() {
    let world = ready_world();
    for price in array![
        0, 9
    ] {
        let outcome = try_post(world, 'hash', price, DEADLINE, input());
        assert_not_posted(world, outcome, Errors::PRICE_TOO_LOW);
    };
}

#[test]
fn a_deadline_that_has_come_is_refused() {
    let world = ready_world();
    for deadline in array![
        0, START - 1, START
    ] {
        let outcome = try_post(world, 'hash', PRICE, deadline, input());
        assert_not_posted(world, outcome, Errors::DEADLINE_PASSED);
    };
}

#[test]
fn a_deadline_over_thirty_days_away_is_refused() {
    let world = ready_world();
    for deadline in array![
        START + DEADLINE_MAX_S + 1, START * 1_000, 0xffffffffffffffff
    ] {
        let outcome = try_post(world, 'hash', PRICE, deadline, input());
        assert_not_posted(world, outcome, Errors::DEADLINE_TOO_FAR);
    };
}

#[test]
fn an_input_over_the_models_limit_is_refused() {
    let world = ready_world();
    let outcome = try_post(world, 'hash', PRICE, DEADLINE, bytes(4_097));
    assert_not_posted(world, outcome, Errors::INPUT_TOO_LARGE);
}

#[test]
fn no_models_limit_lets_an_input_outgrow_its_event() {
    let world = ready_world();
    add_model(world, 'novel', 'poseidon', 0);
    world.forget_events();
    let outcome = try_post(world, 'novel', PRICE, DEADLINE, bytes(INPUT_BYTES_MAX + 1));
    assert_not_posted(world, outcome, Errors::INPUT_TOO_LARGE);
    world.jobs.post_job('novel', PRICE, DEADLINE, bytes(INPUT_BYTES_MAX));
    let (keys, data) = pop_log_raw(world.manager_address).unwrap();
    assert!(keys.len() <= 50 && data.len() <= 300);
}

#[test]
fn posting_during_a_pause_is_refused() {
    let world = ready_world();
    pause(world);
    let outcome = try_post(world, 'hash', PRICE, DEADLINE, input());
    assert_not_posted(world, outcome, PauseErrors::PAUSED);
    at(START + WINDOW);
    assert_eq!(post(world), FIRST);
}

#[test]
fn a_poster_without_approval_is_refused() {
    let world = ready_world();
    world.token.mint(stranger(), PRICE.into());
    act_as(stranger());
    let outcome = try_post(world, 'hash', PRICE, DEADLINE, input());
    assert_refused(outcome, 'test token: allowance');
    assert_eq!(world.balance_of(stranger()), PRICE.into());
}

#[test]
fn a_poster_without_the_money_is_refused() {
    let world = ready_world();
    act_as(stranger());
    world.token.approve(world.pool_address, PRICE.into());
    let outcome = try_post(world, 'hash', PRICE, DEADLINE, input());
    assert_refused(outcome, 'test token: balance');
}

/// Sees that this token backs no job.
fn assert_token_refused(mood: felt252, reason: felt252) {
    let world = ready_world();
    world.token.set_mood(mood);
    act_as(poster());
    assert_refused(try_post(world, 'hash', PRICE, DEADLINE, input()), reason);
}

#[test]
fn a_token_that_lies_backs_no_job() {
    assert_token_refused(TokenMood::LIES, VaultErrors::PULL_NOT_RECEIVED);
}

#[test]
fn a_token_that_takes_a_fee_backs_no_job() {
    assert_token_refused(TokenMood::TAKES_FEE, VaultErrors::PULL_NOT_RECEIVED);
}

#[test]
fn a_token_that_answers_false_backs_no_job() {
    assert_token_refused(TokenMood::REFUSES, VaultErrors::PULL_REFUSED);
}

#[test]
fn a_token_that_deposits_inside_a_post_is_refused() {
    let world = ready_world();
    world.token.reenter_with(selector!("deposit"), [1, 50].span());
    act_as(poster());
    let outcome = try_post(world, 'hash', PRICE, DEADLINE, input());
    assert_refused(outcome, VaultErrors::REENTRANT_CALL);
}
