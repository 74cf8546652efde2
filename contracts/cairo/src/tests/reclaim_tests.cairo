//! Reclaiming expired jobs, and that exactly one of fulfil and reclaim ever pays.

use crate::components::onchain_jobs::OnchainJobsComponent::{
    Errors, Event, JobReclaimed, NUMBER_BASE
};
use crate::interfaces::job_manager::IOnchainJobsDispatcherTrait;
use crate::interfaces::pool::{IPendingPayDispatcherTrait, IPoolDispatcherTrait};
use crate::types::onchain_job::{OnchainJob, OnchainJobState};
use super::test_token::{ITestTokenDispatcherTrait, Mood as TokenMood};
use super::world::{WorldTrait, START, WINDOW, World, act_as, assert_refused, at, stranger, worker};
use super::jobs_world::{
    DEADLINE, FIRST, PRICE, SECOND, assert_silent, assert_unpaid, deliverable_world, event, input,
    open_job, output, pause, post, posted_world, poster, proof_for, ready_world, state_of,
    try_fulfil, try_reclaim
};

#[test]
fn an_expired_job_is_refunded_to_its_poster_by_anyone() {
    let world = posted_world();
    let held = world.balance_of(world.pool_address);
    at(DEADLINE);
    act_as(stranger());
    world.jobs.reclaim(FIRST);
    assert_eq!(world.balance_of(poster()), (2 * PRICE).into());
    assert_eq!(world.balance_of(stranger()), 0);
    assert_eq!(world.balance_of(world.pool_address), held - PRICE.into());
    assert_eq!(world.pool.escrow_of(poster()), 0);
    let reclaimed = OnchainJob { state: OnchainJobState::Reclaimed, ..open_job() };
    assert_eq!(world.jobs.onchain_job(FIRST), reclaimed);
    world.expect_of_manager(event(Event::JobReclaimed(JobReclaimed { job: FIRST })));
    assert_silent(world);
}

#[test]
fn before_its_deadline_not_even_the_poster_reclaims_a_job() {
    let world = posted_world();
    for moment in array![
        START, DEADLINE - 1
    ] {
        at(moment);
        assert_refused(try_reclaim(world, FIRST), Errors::DEADLINE_AHEAD);
        assert_eq!(world.jobs.onchain_job(FIRST), open_job());
        assert_eq!(world.balance_of(poster()), PRICE.into());
        assert_unpaid(world);
        assert_silent(world);
    };
}

#[test]
fn a_job_is_reclaimed_only_once() {
    let world = posted_world();
    post(world);
    at(DEADLINE);
    world.jobs.reclaim(FIRST);
    world.forget_events();
    for moment in array![
        DEADLINE, DEADLINE + WINDOW
    ] {
        at(moment);
        assert_refused(try_reclaim(world, FIRST), Errors::NOT_OPEN);
        assert_eq!(world.balance_of(poster()), PRICE.into());
        assert_eq!(world.pool.escrow_of(poster()), PRICE);
        assert_silent(world);
    };
}

#[test]
fn a_fulfilled_or_delivered_job_cannot_be_reclaimed() {
    let (world, contract) = deliverable_world();
    let poster = contract.contract_address;
    at(DEADLINE);
    assert_refused(try_reclaim(world, FIRST), Errors::NOT_OPEN);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Fulfilled);
    world.jobs.deliver(FIRST, output());
    assert_refused(try_reclaim(world, FIRST), Errors::NOT_OPEN);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Delivered);
    assert_eq!(world.balance_of(poster), 0);
    assert_eq!(world.pay.pending_of(worker(), poster), (0, PRICE));
}

#[test]
fn a_job_that_was_never_posted_cannot_be_reclaimed() {
    let world = posted_world();
    at(DEADLINE);
    for job in array![
        0, NUMBER_BASE, SECOND
    ] {
        assert_refused(try_reclaim(world, job), Errors::NOT_OPEN);
        assert_eq!(state_of(world, job), OnchainJobState::Absent);
    };
    assert_unpaid(world);
    assert_silent(world);
}

#[test]
fn a_pause_does_not_hold_up_a_reclaim() {
    let world = posted_world();
    at(DEADLINE);
    pause(world);
    world.jobs.reclaim(FIRST);
    assert_eq!(world.balance_of(poster()), (2 * PRICE).into());
}

#[test]
#[should_panic(expected: ('token refused the payout', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn a_refused_refund_reverts() {
    let world = posted_world();
    at(DEADLINE);
    world.token.set_mood(TokenMood::REFUSES);
    world.jobs.reclaim(FIRST);
}

/// All that the worker was promised, and what the poster's wallet holds.
fn payouts(world: World) -> (u128, u256) {
    let (locked, mature) = world.pay.pending_of(worker(), poster());
    (locked + mature + world.pay.claimable_of(worker()), world.balance_of(poster()))
}

/// Tries both ends twice at this moment, in this order.
fn try_both(world: World, moment: u64, job: felt252, fulfil_first: bool) {
    at(moment);
    let evidence = proof_for(world, job);
    for _ in 0
        ..2_u8 {
            if fulfil_first {
                let _ = try_fulfil(world, evidence);
                let _ = try_reclaim(world, job);
            } else {
                let _ = try_reclaim(world, job);
                let _ = try_fulfil(world, evidence);
            }
        };
}

/// Posts a job at `start`, tries both ends at `moment` and long after, and sees which one paid.
fn assert_one_pays(world: World, start: u64, moment: u64, fulfil_first: bool, worker_wins: bool) {
    at(start);
    world.fund(poster(), PRICE);
    let (pay, balance) = payouts(world);
    let deadline = start + 3 * WINDOW;
    let job = world.jobs.post_job('hash', PRICE, deadline, input());
    let expected = if worker_wins {
        (pay + PRICE, balance - PRICE.into())
    } else {
        (pay, balance)
    };
    try_both(world, moment, job, fulfil_first);
    assert_eq!(payouts(world), expected);
    try_both(world, deadline + 2 * WINDOW, job, !fulfil_first);
    assert_eq!(payouts(world), expected);
    assert_eq!(world.pool.escrow_of(poster()), 0);
}

#[test]
fn exactly_one_of_fulfil_and_reclaim_ever_pays() {
    let world = ready_world();
    let mut start = START;
    for (
        delay, worker_wins
    ) in array![
        (0, true), (3 * WINDOW - 1, true), (3 * WINDOW, false), (4 * WINDOW, false)
    ] {
        for fulfil_first in array![
            true, false
        ] {
            assert_one_pays(world, start, start + delay, fulfil_first, worker_wins);
            start += 10 * WINDOW;
        };
    };
    let (pay, balance) = payouts(world);
    assert_eq!(pay, 4 * PRICE);
    assert_eq!(balance, (6 * PRICE).into());
}
