//! Delivering outputs to callbacks that may panic or call back.

use crate::components::onchain_jobs::OnchainJobsComponent::{
    DeliveryFailed, Errors, Event, JobDelivered, OUTPUT_BYTES_MAX
};
use crate::interfaces::job_manager::IOnchainJobsDispatcherTrait;
use crate::interfaces::pool::{IPendingPayDispatcherTrait, IPoolDispatcherTrait};
use crate::types::onchain_job::OnchainJobState;
use super::test_poster::{ITestPosterDispatcherTrait, Mood as PosterMood, REASON};
use super::world::{WorldTrait, START, WINDOW, act_as, assert_refused, at, stranger, worker};
use super::jobs_world::{
    DEADLINE, FIRST, PRICE, SECOND, assert_paid_once, assert_silent, bytes, deliverable_world,
    event, fulfilled_job, fulfilled_world, input, open_job, output, pause, posted_world, poster,
    proof, ready_world, state_of, try_deliver
};

#[test]
fn delivery_hands_the_output_to_the_posters_callback() {
    let (world, contract) = deliverable_world();
    assert_eq!(contract.received_count(), 0);
    act_as(stranger());
    world.jobs.deliver(FIRST, output());
    assert_eq!(contract.received(), (FIRST, output()));
    assert_eq!(contract.received_count(), 1);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Delivered);
    world.expect_of_manager(event(Event::JobDelivered(JobDelivered { job: FIRST })));
    assert_silent(world);
    assert_paid_once(world, contract.contract_address);
}

#[test]
fn an_output_is_delivered_only_once() {
    let (world, contract) = deliverable_world();
    world.jobs.deliver(FIRST, output());
    world.forget_events();
    assert_refused(try_deliver(world, FIRST, output()), Errors::NOT_FULFILLED);
    assert_eq!(contract.received_count(), 1);
    assert_silent(world);
}

#[test]
fn an_output_is_delivered_even_after_the_deadline_and_during_a_pause() {
    let (world, contract) = deliverable_world();
    at(DEADLINE + 1);
    pause(world);
    world.jobs.deliver(FIRST, output());
    assert_eq!(contract.received_count(), 1);
}

#[test]
fn an_output_that_was_not_attested_is_not_delivered() {
    let (world, contract) = deliverable_world();
    let bad = array![
        ("", Errors::OTHER_OUTPUT),
        ("another", Errors::OTHER_OUTPUT),
        (bytes(OUTPUT_BYTES_MAX + 1), Errors::OUTPUT_TOO_LARGE)
    ];
    for (
        other, reason
    ) in bad {
        assert_refused(try_deliver(world, FIRST, other), reason);
        assert_eq!(state_of(world, FIRST), OnchainJobState::Fulfilled);
        assert_eq!(contract.received_count(), 0);
        assert_silent(world);
    };
}

#[test]
fn nothing_is_delivered_before_a_job_is_fulfilled() {
    let world = posted_world();
    for job in array![
        FIRST, SECOND, 0
    ] {
        assert_refused(try_deliver(world, job, output()), Errors::NOT_FULFILLED);
    };
    assert_eq!(world.jobs.onchain_job(FIRST), open_job());
    assert_silent(world);
}

#[test]
fn nothing_is_delivered_for_a_reclaimed_job() {
    let world = posted_world();
    at(DEADLINE);
    world.jobs.reclaim(FIRST);
    for attempt in array![
        output(), ""
    ] {
        assert_refused(try_deliver(world, FIRST, attempt), Errors::NOT_FULFILLED);
    };
}

#[test]
fn a_callback_that_panics_leaves_the_job_deliverable_and_the_pay_untouched() {
    let (world, contract) = deliverable_world();
    let poster = contract.contract_address;
    contract.set_mood(PosterMood::PANICS);
    let before = world.jobs.onchain_job(FIRST);
    world.jobs.deliver(FIRST, output());
    let failed = DeliveryFailed { job: FIRST, reason: REASON };
    world.expect_of_manager(event(Event::DeliveryFailed(failed)));
    assert_silent(world);
    assert_eq!(world.jobs.onchain_job(FIRST), before);
    assert_paid_once(world, poster);
    contract.set_mood(PosterMood::HONEST);
    world.jobs.deliver(FIRST, output());
    assert_eq!(contract.received(), (FIRST, output()));
    assert_eq!(state_of(world, FIRST), OnchainJobState::Delivered);
    at(START + 2 * WINDOW);
    world.pay.claim(worker(), [poster].span());
    assert_eq!(world.balance_of(worker()), PRICE.into());
}

#[test]
fn a_callback_that_panics_without_a_reason_leaves_the_job_deliverable() {
    let (world, contract) = deliverable_world();
    contract.set_mood(PosterMood::PANICS_SILENTLY);
    world.jobs.deliver(FIRST, output());
    let failed = DeliveryFailed { job: FIRST, reason: 'ENTRYPOINT_FAILED' };
    world.expect_of_manager(event(Event::DeliveryFailed(failed)));
    assert_eq!(state_of(world, FIRST), OnchainJobState::Fulfilled);
    assert_paid_once(world, contract.contract_address);
}

/// Has the callback call this function of the JobManager, and sees that refused and nothing moved.
fn assert_reentry_refused(selector: felt252, arguments: Span<felt252>, reason: felt252) {
    let (world, contract) = deliverable_world();
    contract.reenter_with(selector, arguments);
    world.jobs.deliver(FIRST, output());
    assert_eq!(contract.reentry_refusal(), reason);
    assert_eq!(contract.received_count(), 1);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Delivered);
    assert_eq!(world.balance_of(contract.contract_address), 0);
    assert_paid_once(world, contract.contract_address);
    world.expect_of_manager(event(Event::JobDelivered(JobDelivered { job: FIRST })));
    assert_silent(world);
}

#[test]
fn a_callback_that_delivers_again_finds_nothing_to_deliver() {
    let mut arguments = array![FIRST];
    output().serialize(ref arguments);
    assert_reentry_refused(selector!("deliver"), arguments.span(), Errors::NOT_FULFILLED);
}

#[test]
fn a_callback_that_reclaims_finds_no_open_job() {
    assert_reentry_refused(selector!("reclaim"), [FIRST].span(), Errors::NOT_OPEN);
}

#[test]
fn a_callback_that_fulfils_again_finds_no_open_job() {
    let (world, contract) = deliverable_world();
    let mut arguments = array![];
    proof(world).serialize(ref arguments);
    output().serialize(ref arguments);
    contract.reenter_with(selector!("fulfil"), arguments.span());
    world.jobs.deliver(FIRST, output());
    assert_eq!(contract.reentry_refusal(), Errors::NOT_OPEN);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Delivered);
    assert_paid_once(world, contract.contract_address);
}

#[test]
fn a_callback_may_post_the_next_job() {
    let (world, contract) = deliverable_world();
    world.fund(contract.contract_address, PRICE);
    let mut arguments = array!['hash', PRICE.into(), DEADLINE.into()];
    input().serialize(ref arguments);
    contract.reenter_with(selector!("post_job"), arguments.span());
    world.jobs.deliver(FIRST, output());
    assert_eq!(contract.reentry_refusal(), 0);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Delivered);
    assert_eq!(state_of(world, SECOND), OnchainJobState::Open);
    assert_eq!(world.pool.escrow_of(contract.contract_address), PRICE);
}

#[test]
fn delivery_to_a_poster_that_is_no_contract_fails_and_costs_the_worker_nothing() {
    let world = fulfilled_world();
    world.jobs.deliver(FIRST, output());
    let failed = DeliveryFailed { job: FIRST, reason: 'CONTRACT_NOT_DEPLOYED' };
    world.expect_of_manager(event(Event::DeliveryFailed(failed)));
    assert_eq!(world.jobs.onchain_job(FIRST), fulfilled_job());
    assert_paid_once(world, poster());
}

#[test]
fn delivery_to_a_contract_without_the_callback_fails_and_costs_the_worker_nothing() {
    let world = ready_world();
    let poster = world.token.contract_address;
    world.fund(poster, PRICE);
    world.jobs.post_job('hash', PRICE, DEADLINE, input());
    world.jobs.fulfil(proof(world), output());
    world.forget_events();
    world.jobs.deliver(FIRST, output());
    let failed = DeliveryFailed { job: FIRST, reason: 'ENTRYPOINT_NOT_FOUND' };
    world.expect_of_manager(event(Event::DeliveryFailed(failed)));
    assert_eq!(state_of(world, FIRST), OnchainJobState::Fulfilled);
    assert_paid_once(world, poster);
}
