//! Fulfilling on-chain jobs: who is paid, once, and every refusal.

use crate::components::onchain_jobs::OnchainJobsComponent::{
    Errors, Event, JobFulfilled, NUMBER_BASE, OUTPUT_BYTES_MAX
};
use crate::components::pause::PauseComponent::Errors as PauseErrors;
use crate::components::pending_pay::PendingPayComponent::Errors as PayErrors;
use crate::components::stakes::StakesComponent::Refusals as StakeRefusals;
use crate::hashes::attestation_batch::leaf;
use crate::hashes::commitment::poseidon_commitment;
use crate::hashes::snip12::attestation_hash;
use crate::interfaces::job_manager::{
    IFraudDispatcherTrait, IOnchainJobsDispatcherTrait, IOnchainJobsSafeDispatcherTrait,
    IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPendingPaySafeDispatcher, IPendingPaySafeDispatcherTrait,
    IPoolDispatcherTrait, IStakesDispatcherTrait
};
use crate::types::attestation::Attestation;
use crate::types::evidence::Evidence;
use crate::types::onchain_job::OnchainJobState;
use starknet::testing::set_chain_id;
use super::evidence::{evidence_in_batch, evidence_of};
use super::signer::public_key;
use super::test_poster::{ITestPosterDispatcherTrait, deploy_poster};
use super::world::{
    WorldTrait, START, WINDOW, WORKER_SECRET, act_as, assert_refused, at, busy_world, stranger,
    worker
};
use super::jobs_world::{
    DEADLINE, FIRST, PRICE, RIVAL_SECRET, SECOND, add_model, assert_not_accepted, assert_not_backed,
    assert_not_fulfilled, assert_paid_once, assert_silent, assert_unpaid, bytes, event,
    fulfilled_job, fulfilled_world, input, jobs_safe, open_job, output, pause, post, posted_world,
    poster, proof, ready_world, result, rival, state_of, try_fulfil
};

#[test]
fn a_fulfilled_job_is_the_workers_pending_pay() {
    let world = posted_world();
    let held = world.balance_of(world.pool_address);
    world.jobs.fulfil(proof(world), output());
    assert_eq!(world.jobs.onchain_job(FIRST), fulfilled_job());
    assert_eq!(world.pool.escrow_of(poster()), 0);
    assert_eq!(world.pay.pending_of(worker(), poster()), (PRICE, 0));
    assert_eq!(world.balance_of(world.pool_address), held);
    assert_eq!(world.balance_of(worker()), 0);
    let fulfilled = JobFulfilled { job: FIRST, worker: worker(), output: output() };
    world.expect_of_manager(event(Event::JobFulfilled(fulfilled)));
    assert_silent(world);
}

#[test]
#[feature("safe_dispatcher")]
fn pay_for_a_job_waits_out_the_challenge_window_and_is_then_claimed() {
    let world = fulfilled_world();
    let mature_at = START + 2 * WINDOW;
    assert_eq!(world.pay.next_unlock_at(worker(), poster()), mature_at);
    assert_eq!(world.stakes.exposed_until(worker()), mature_at);
    at(mature_at - 1);
    let pay = IPendingPaySafeDispatcher { contract_address: world.pool_address };
    assert_refused(pay.claim(worker(), [poster()].span()), PayErrors::NOTHING_TO_CLAIM);
    at(mature_at);
    world.pay.claim(worker(), [poster()].span());
    assert_eq!(world.balance_of(worker()), PRICE.into());
    assert_eq!(world.pay.earned_of(worker()), PRICE);
    assert_eq!(world.pay.pending_of(worker(), poster()), (0, 0));
}

#[test]
fn anyone_may_send_a_fulfilment_and_only_the_worker_is_paid() {
    let world = posted_world();
    act_as(stranger());
    world.jobs.fulfil(proof(world), output());
    assert_paid_once(world, poster());
    assert_eq!(world.pay.pending_of(stranger(), poster()), (0, 0));
    at(START + 2 * WINDOW);
    world.pay.claim(worker(), [poster()].span());
    assert_eq!(world.balance_of(worker()), PRICE.into());
    assert_eq!(world.balance_of(stranger()), 0);
}

#[test]
fn two_results_under_one_signature_fulfil_two_jobs() {
    let world = posted_world();
    post(world);
    let first = result(world);
    let second = Attestation { job: SECOND, ..first };
    let (left, right) = evidence_in_batch(world, first, second, WORKER_SECRET);
    world.jobs.fulfil(right, output());
    assert_eq!(state_of(world, FIRST), OnchainJobState::Open);
    world.jobs.fulfil(left, output());
    assert_eq!(world.pay.pending_of(worker(), poster()), (2 * PRICE, 0));
    assert_eq!(world.pool.escrow_of(poster()), 0);
}

#[test]
fn the_last_second_before_the_deadline_counts() {
    let world = posted_world();
    at(DEADLINE - 1);
    world.jobs.fulfil(proof(world), output());
    assert_paid_once(world, poster());
}

#[test]
fn at_the_deadline_fulfilling_is_over() {
    let world = posted_world();
    for moment in array![
        DEADLINE, DEADLINE + 1
    ] {
        at(moment);
        assert_not_fulfilled(world, proof(world), Errors::DEADLINE_PASSED);
    };
}

#[test]
fn a_job_that_was_never_posted_cannot_be_fulfilled() {
    let world = posted_world();
    for job in array![
        0, 1, NUMBER_BASE, SECOND
    ] {
        let attestation = Attestation { job, ..result(world) };
        assert_not_accepted(world, attestation, Errors::NOT_OPEN);
        assert_eq!(state_of(world, job), OnchainJobState::Absent);
    };
}

#[test]
fn an_attestation_for_anything_else_is_refused() {
    let world = posted_world();
    let good = result(world);
    let bad = array![
        (Attestation { contract: world.pool_address, ..good }, Errors::OTHER_CONTRACT),
        (Attestation { epoch: 1, ..good }, Errors::OTHER_EPOCH),
        (Attestation { model: 'hush', ..good }, Errors::OTHER_MODEL),
        (Attestation { input: good.input + 1, ..good }, Errors::OTHER_INPUT),
        (Attestation { output: good.output + 1, ..good }, Errors::OTHER_OUTPUT),
        (Attestation { output: 0, ..good }, Errors::OTHER_OUTPUT),
    ];
    for (attestation, reason) in bad {
        assert_not_accepted(world, attestation, reason);
    };
}

#[test]
#[feature("safe_dispatcher")]
fn an_output_that_was_not_attested_is_refused() {
    let world = posted_world();
    for other in array![
        "", "the digest, as far as the worker say", "another"
    ] {
        let outcome = jobs_safe(world).fulfil(proof(world), other);
        assert_refused(outcome, Errors::OTHER_OUTPUT);
        assert_eq!(world.jobs.onchain_job(FIRST), open_job());
        assert_unpaid(world);
        assert_silent(world);
    };
}

#[test]
#[feature("safe_dispatcher")]
fn an_output_over_2_048_bytes_is_refused() {
    let world = posted_world();
    let large = bytes(OUTPUT_BYTES_MAX + 1);
    let attestation = Attestation { output: poseidon_commitment(@large), ..result(world) };
    let evidence = evidence_of(world, attestation, WORKER_SECRET);
    assert_refused(jobs_safe(world).fulfil(evidence, large), Errors::OUTPUT_TOO_LARGE);
    assert_eq!(world.jobs.onchain_job(FIRST), open_job());
    assert_unpaid(world);
    assert_silent(world);
}

/// Sees an output of this length paid and handed over.
fn assert_output_passes(length: u32) {
    let world = ready_world();
    let contract = deploy_poster(world.manager_address);
    world.fund(contract.contract_address, PRICE);
    contract.post('hash', PRICE, DEADLINE, input());
    let output = poseidon_commitment(@bytes(length));
    let attestation = Attestation { output, ..result(world) };
    world.jobs.fulfil(evidence_of(world, attestation, WORKER_SECRET), bytes(length));
    world.jobs.deliver(FIRST, bytes(length));
    assert_paid_once(world, contract.contract_address);
    assert_eq!(contract.received(), (FIRST, bytes(length)));
}

#[test]
fn an_output_of_2_048_bytes_is_paid_and_delivered() {
    assert_output_passes(OUTPUT_BYTES_MAX);
}

#[test]
fn an_empty_output_is_paid_and_delivered() {
    assert_output_passes(0);
}

#[test]
fn a_key_that_was_never_the_workers_is_refused() {
    let world = posted_world();
    let evidence = evidence_of(world, result(world), RIVAL_SECRET);
    assert_not_fulfilled(world, evidence, Errors::WRONG_KEY);
}

#[test]
fn a_rotated_key_no_longer_fulfils_and_the_new_one_does() {
    let world = posted_world();
    let old = proof(world);
    act_as(worker());
    world.workers.register_worker(public_key('new secret'));
    world.forget_events();
    assert_not_fulfilled(world, old, Errors::WRONG_KEY);
    world.jobs.fulfil(evidence_of(world, result(world), 'new secret'), output());
    assert_paid_once(world, poster());
}

#[test]
fn a_worker_that_never_registered_is_refused() {
    let world = posted_world();
    world.fund(stranger(), 600);
    world.stakes.stake(600);
    world.forget_events();
    let attestation = Attestation { worker: stranger(), ..result(world) };
    let evidence = evidence_of(world, attestation, RIVAL_SECRET);
    assert_not_fulfilled(world, evidence, Errors::WRONG_KEY);
    assert_not_fulfilled(world, Evidence { public_key: 0, ..evidence }, Errors::WRONG_KEY);
}

#[test]
fn a_worker_that_deregistered_is_refused() {
    let world = posted_world();
    act_as(worker());
    world.workers.deregister_worker();
    world.forget_events();
    assert_not_fulfilled(world, proof(world), Errors::WRONG_KEY);
    let keyless = Evidence { public_key: 0, ..proof(world) };
    assert_not_fulfilled(world, keyless, Errors::WRONG_KEY);
}

#[test]
fn a_forged_signature_is_refused() {
    let world = posted_world();
    let good = proof(world);
    let others = evidence_of(world, result(world), RIVAL_SECRET);
    let order = core::ec::stark_curve::ORDER;
    let forged = array![
        Evidence { public_key: good.public_key, ..others },
        Evidence { signature_r: good.signature_r + 1, ..good },
        Evidence { signature_s: good.signature_s + 1, ..good },
        Evidence { signature_r: 0, ..good },
        Evidence { signature_s: 0, ..good },
        Evidence { signature_r: order, ..good },
        Evidence { signature_s: order, ..good },
    ];
    for evidence in forged {
        assert_not_fulfilled(world, evidence, Errors::BAD_SIGNATURE);
    };
}

#[test]
fn a_signature_cannot_be_moved_to_another_job_or_worker() {
    let world = posted_world();
    world.add_worker(rival(), 600, RIVAL_SECRET);
    post(world);
    world.forget_events();
    let good = proof(world);
    let other_job = Attestation { job: SECOND, ..result(world) };
    let other_worker = Attestation { worker: rival(), ..result(world) };
    let moved = array![
        Evidence { attestation: other_job, ..good },
        Evidence { attestation: other_worker, public_key: public_key(RIVAL_SECRET), ..good }
    ];
    for evidence in moved {
        assert_refused(try_fulfil(world, evidence), Errors::BAD_SIGNATURE);
        assert_eq!(world.pool.escrow_of(poster()), 2 * PRICE);
        assert_silent(world);
    };
    let under_own_key = Evidence { attestation: other_worker, ..good };
    assert_refused(try_fulfil(world, under_own_key), Errors::WRONG_KEY);
}

#[test]
fn a_signature_for_another_chain_is_refused() {
    let world = posted_world();
    let evidence = proof(world);
    set_chain_id('SN_MAIN');
    assert_not_fulfilled(world, evidence, Errors::BAD_SIGNATURE);
}

#[test]
fn a_wrong_place_in_the_batch_is_refused() {
    let world = posted_world();
    let good = proof(world);
    let sibling = leaf(attestation_hash(result(world)), 1);
    let misplaced = array![
        Evidence { index: 1, ..good },
        Evidence { count: 0, ..good },
        Evidence { count: 2, ..good },
        Evidence { count: 257, ..good },
        Evidence { path: [sibling].span(), ..good },
        Evidence { count: 2, path: [sibling].span(), ..good }
    ];
    for evidence in misplaced {
        assert_not_fulfilled(world, evidence, Errors::BAD_SIGNATURE);
    };
}

#[test]
fn a_wrong_path_in_the_batch_is_refused() {
    let world = posted_world();
    let other = Attestation { job: SECOND, ..result(world) };
    let (good, neighbour) = evidence_in_batch(world, result(world), other, WORKER_SECRET);
    let misled = array![
        Evidence { path: neighbour.path, ..good },
        Evidence { path: [].span(), ..good },
        Evidence { path: [*good.path[0], 0].span(), ..good },
        Evidence { path: [*good.path[0] + 1].span(), ..good },
        Evidence { index: 1, ..good },
        Evidence { index: 2, ..good },
        Evidence { count: 1, ..good }
    ];
    for evidence in misled {
        assert_not_fulfilled(world, evidence, Errors::BAD_SIGNATURE);
    };
    world.jobs.fulfil(good, output());
    assert_paid_once(world, poster());
}

#[test]
fn a_stake_below_the_models_minimum_is_refused() {
    let world = busy_world();
    world.add_hash_model();
    world.fund(poster(), PRICE);
    post(world);
    world.forget_events();
    assert_not_backed(world, proof(world), StakeRefusals::STAKE_TOO_LOW);
}

#[test]
fn a_stake_that_is_announced_to_leave_does_not_count() {
    let world = posted_world();
    act_as(worker());
    world.stakes.announce_unstake(1);
    world.forget_events();
    assert_not_backed(world, proof(world), StakeRefusals::STAKE_TOO_LOW);
}

#[test]
fn the_networks_minimum_stake_holds_where_the_models_is_lower() {
    let world = ready_world();
    add_model(world, 'cheap', 'poseidon', 0);
    world.jobs.post_job('cheap', PRICE, DEADLINE, input());
    act_as(worker());
    world.stakes.announce_unstake(101);
    world.forget_events();
    let attestation = Attestation { model: 'cheap', ..result(world) };
    let evidence = evidence_of(world, attestation, WORKER_SECRET);
    assert_not_backed(world, evidence, StakeRefusals::STAKE_TOO_LOW);
}

#[test]
fn the_networks_minimum_stake_is_enough_where_the_models_is_lower() {
    let world = ready_world();
    add_model(world, 'cheap', 'poseidon', 0);
    world.jobs.post_job('cheap', PRICE, DEADLINE, input());
    act_as(worker());
    world.stakes.announce_unstake(100);
    let attestation = Attestation { model: 'cheap', ..result(world) };
    world.jobs.fulfil(evidence_of(world, attestation, WORKER_SECRET), output());
    assert_paid_once(world, poster());
}

#[test]
fn a_slashed_worker_is_refused() {
    let world = posted_world();
    let one = Attestation { job: 7, epoch: 1, ..result(world) };
    let other = Attestation { output: one.output + 1, ..one };
    let first = evidence_of(world, one, WORKER_SECRET);
    let second = evidence_of(world, other, WORKER_SECRET);
    act_as(stranger());
    world.fraud.slash_equivocation(first, second);
    world.forget_events();
    assert_not_backed(world, proof(world), StakeRefusals::WORKER_SLASHED);
}

#[test]
fn a_payout_cannot_be_replayed() {
    let world = posted_world();
    post(world);
    let evidence = proof(world);
    world.jobs.fulfil(evidence, output());
    world.forget_events();
    for moment in array![
        START, START + WINDOW, DEADLINE
    ] {
        at(moment);
        for caller in array![
            worker(), poster(), stranger()
        ] {
            act_as(caller);
            assert_refused(try_fulfil(world, evidence), Errors::NOT_OPEN);
        };
    };
    assert_eq!(world.jobs.onchain_job(FIRST), fulfilled_job());
    assert_eq!(world.pool.escrow_of(poster()), PRICE);
    world.pay.claim(worker(), [poster()].span());
    assert_eq!(world.balance_of(worker()), PRICE.into());
    assert_refused(try_fulfil(world, evidence), Errors::NOT_OPEN);
    assert_eq!(world.pay.pending_of(worker(), poster()), (0, 0));
    assert_eq!(world.pool.escrow_of(poster()), PRICE);
}

#[test]
fn the_second_worker_comes_too_late() {
    let world = posted_world();
    world.add_worker(rival(), 600, RIVAL_SECRET);
    world.jobs.fulfil(proof(world), output());
    let attestation = Attestation { worker: rival(), ..result(world) };
    let evidence = evidence_of(world, attestation, RIVAL_SECRET);
    assert_refused(try_fulfil(world, evidence), Errors::NOT_OPEN);
    assert_eq!(world.pay.pending_of(rival(), poster()), (0, 0));
    assert_paid_once(world, poster());
}

#[test]
fn a_reclaimed_job_cannot_be_fulfilled() {
    let world = posted_world();
    at(DEADLINE);
    world.jobs.reclaim(FIRST);
    world.forget_events();
    for moment in array![
        DEADLINE - 1, DEADLINE
    ] {
        at(moment);
        assert_refused(try_fulfil(world, proof(world)), Errors::NOT_OPEN);
        assert_eq!(state_of(world, FIRST), OnchainJobState::Reclaimed);
        assert_eq!(world.pay.pending_of(worker(), poster()), (0, 0));
        assert_silent(world);
    };
}

#[test]
fn fulfilling_during_a_pause_is_refused() {
    let world = posted_world();
    pause(world);
    assert_not_fulfilled(world, proof(world), PauseErrors::PAUSED);
    at(START + WINDOW);
    world.jobs.fulfil(proof(world), output());
    assert_paid_once(world, poster());
}

#[test]
fn one_posters_escrow_never_pays_for_anothers_job() {
    let world = posted_world();
    world.fund(stranger(), 70);
    world.jobs.post_job('hash', 70, DEADLINE, input());
    world.jobs.fulfil(proof(world), output());
    assert_eq!(world.pool.escrow_of(poster()), 0);
    assert_eq!(world.pool.escrow_of(stranger()), 70);
    assert_eq!(world.pay.pending_of(worker(), poster()), (PRICE, 0));
    assert_eq!(world.pay.pending_of(worker(), stranger()), (0, 0));
    at(DEADLINE);
    world.jobs.reclaim(SECOND);
    assert_eq!(world.pool.escrow_of(stranger()), 0);
    assert_eq!(world.balance_of(stranger()), 70);
    assert_eq!(world.balance_of(poster()), PRICE.into());
}
