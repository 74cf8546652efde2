//! On-chain jobs: escrow at posting, then exactly one of fulfilled and reclaimed; delivery apart.

use crate::components::model_registry::ModelRegistryComponent::Errors as ModelErrors;
use crate::components::onchain_jobs::OnchainJobsComponent::{
    DEADLINE_MAX_S, DeliveryFailed, Errors, Event, INPUT_BYTES_MAX, JobDelivered, JobFulfilled,
    JobPosted, JobReclaimed, NUMBER_BASE, OUTPUT_BYTES_MAX
};
use crate::components::pause::PauseComponent::Errors as PauseErrors;
use crate::components::pending_pay::PendingPayComponent::Errors as PayErrors;
use crate::components::stakes::StakesComponent::Refusals as StakeRefusals;
use crate::components::vault::VaultComponent::Errors as VaultErrors;
use crate::hashes::attestation_batch::leaf;
use crate::hashes::commitment::poseidon_commitment;
use crate::hashes::snip12::attestation_hash;
use crate::interfaces::job_manager::{
    IFraudDispatcherTrait, IModelsDispatcherTrait, IOnchainJobsDispatcherTrait,
    IOnchainJobsSafeDispatcher, IOnchainJobsSafeDispatcherTrait, IPauseDispatcherTrait,
    IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPendingPaySafeDispatcher, IPendingPaySafeDispatcherTrait,
    IPoolDispatcherTrait, IStakesDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::attestation::Attestation;
use crate::types::evidence::Evidence;
use crate::types::onchain_job::{OnchainJob, OnchainJobState};
use starknet::testing::{pop_log_raw, set_chain_id};
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::evidence::{evidence_in_batch, evidence_of};
use super::signer::public_key;
use super::test_poster::{
    ITestPosterDispatcher, ITestPosterDispatcherTrait, Mood as PosterMood, REASON, deploy_poster
};
use super::test_token::{ITestTokenDispatcherTrait, Mood as TokenMood};
use super::world::{
    START, WINDOW, WORKER_SECRET, World, WorldTrait, act_as, assert_refused, at, busy_world,
    empty_world, guardian, registrar, stranger, worker
};

const FIRST: felt252 = 0x100000000000000000000000000000001;
const SECOND: felt252 = 0x100000000000000000000000000000002;
const PRICE: u128 = 100;
const DEADLINE: u64 = START + 3 * WINDOW;
const RIVAL_SECRET: felt252 = 'rival';

fn poster() -> ContractAddress {
    contract_address_const::<'poster'>()
}

/// The second worker that qualifies.
fn rival() -> ContractAddress {
    contract_address_const::<'rival'>()
}

fn input() -> ByteArray {
    "what is the digest of these bytes?"
}

fn output() -> ByteArray {
    "the digest, as far as the worker says"
}

fn bytes(length: u32) -> ByteArray {
    let mut joined = "";
    for _ in 0..length {
        joined.append_byte('x');
    };
    joined
}

fn event(event: Event) -> ManagerEvent {
    ManagerEvent::OnchainJobsEvent(event)
}

/// A registered 'hash' model, a worker with its stake, and a poster that has approved two prices.
fn ready_world() -> World {
    let world = empty_world();
    world.add_worker(worker(), 600, WORKER_SECRET);
    world.add_hash_model();
    world.fund(poster(), 2 * PRICE);
    world.forget_events();
    world
}

/// Job `FIRST` is open.
fn posted_world() -> World {
    let world = ready_world();
    post(world);
    world.forget_events();
    world
}

/// The worker has fulfilled `FIRST`.
fn fulfilled_world() -> World {
    let world = posted_world();
    world.jobs.fulfil(proof(world), output());
    world.forget_events();
    world
}

/// `FIRST` is fulfilled, and its poster is a contract.
fn deliverable_world() -> (World, ITestPosterDispatcher) {
    let world = ready_world();
    let contract = deploy_poster(world.manager_address);
    world.fund(contract.contract_address, PRICE);
    contract.post('hash', PRICE, DEADLINE, input());
    act_as(stranger());
    world.jobs.fulfil(proof(world), output());
    world.forget_events();
    (world, contract)
}

fn add_model(world: World, id: felt252, scheme: felt252, min_stake: u128) {
    act_as(registrar());
    let nobody = contract_address_const::<0>();
    world.models.register_model(id, 0, nobody, scheme, 100_000, 10, min_stake, "ipfs://model");
    act_as(poster());
}

fn pause(world: World) {
    act_as(guardian());
    world.pause.pause();
    act_as(poster());
    world.forget_events();
}

fn post(world: World) -> felt252 {
    act_as(poster());
    world.jobs.post_job('hash', PRICE, DEADLINE, input())
}

/// What an honest worker attests for `FIRST`.
fn result(world: World) -> Attestation {
    Attestation {
        job: FIRST,
        epoch: 0,
        model: 'hash',
        input: poseidon_commitment(@input()),
        output: poseidon_commitment(@output()),
        contract: world.manager_address,
        worker: worker()
    }
}

fn proof(world: World) -> Evidence {
    evidence_of(world, result(world), WORKER_SECRET)
}

fn proof_for(world: World, job: felt252) -> Evidence {
    evidence_of(world, Attestation { job, ..result(world) }, WORKER_SECRET)
}

fn open_job() -> OnchainJob {
    OnchainJob {
        poster: poster(),
        model: 'hash',
        input: poseidon_commitment(@input()),
        output: 0,
        price: PRICE,
        deadline: DEADLINE,
        state: OnchainJobState::Open
    }
}

fn fulfilled_job() -> OnchainJob {
    let output = poseidon_commitment(@output());
    OnchainJob { output, state: OnchainJobState::Fulfilled, ..open_job() }
}

fn state_of(world: World, job: felt252) -> OnchainJobState {
    world.jobs.onchain_job(job).state
}

fn jobs_safe(world: World) -> IOnchainJobsSafeDispatcher {
    IOnchainJobsSafeDispatcher { contract_address: world.manager_address }
}

#[feature("safe_dispatcher")]
fn try_post(
    world: World, model: felt252, price: u128, deadline: u64, input: ByteArray
) -> SyscallResult<felt252> {
    jobs_safe(world).post_job(model, price, deadline, input)
}

#[feature("safe_dispatcher")]
fn try_fulfil(world: World, evidence: Evidence) -> SyscallResult<()> {
    jobs_safe(world).fulfil(evidence, output())
}

#[feature("safe_dispatcher")]
fn try_deliver(world: World, job: felt252, output: ByteArray) -> SyscallResult<()> {
    jobs_safe(world).deliver(job, output)
}

#[feature("safe_dispatcher")]
fn try_reclaim(world: World, job: felt252) -> SyscallResult<()> {
    jobs_safe(world).reclaim(job)
}

fn assert_silent(world: World) {
    assert!(pop_log_raw(world.manager_address).is_none(), "the JobManager emitted something");
    assert!(pop_log_raw(world.pool_address).is_none(), "the pool emitted something");
}

/// Sees this post refused, with no job and the poster's money where it was.
fn assert_not_posted(world: World, outcome: SyscallResult<felt252>, reason: felt252) {
    assert_refused(outcome, reason);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Absent);
    assert_eq!(world.pool.escrow_of(poster()), 0);
    assert_eq!(world.balance_of(poster()), (2 * PRICE).into());
    assert_silent(world);
}

/// The price of `FIRST` is in escrow, and no worker was promised anything.
fn assert_unpaid(world: World) {
    assert_eq!(world.pool.escrow_of(poster()), PRICE);
    assert_eq!(world.pay.pending_of(worker(), poster()), (0, 0));
    assert_eq!(world.pay.pending_of(rival(), poster()), (0, 0));
    assert_eq!(world.pay.pending_of(stranger(), poster()), (0, 0));
}

/// Sees this evidence for `FIRST` refused, with the job still open and nothing changed.
fn assert_not_fulfilled(world: World, evidence: Evidence, reason: felt252) {
    assert_refused(try_fulfil(world, evidence), reason);
    assert_eq!(world.jobs.onchain_job(FIRST), open_job());
    assert_unpaid(world);
    assert_silent(world);
}

/// As `assert_not_fulfilled`, for what the worker signed itself.
fn assert_not_accepted(world: World, attestation: Attestation, reason: felt252) {
    assert_not_fulfilled(world, evidence_of(world, attestation, WORKER_SECRET), reason);
}

/// Sees the pool refuse to back this worker: no money moves. The JobManager has written before it
/// asks, and the refusal reverts that.
fn assert_not_backed(world: World, evidence: Evidence, reason: felt252) {
    assert_refused(try_fulfil(world, evidence), reason);
    assert_unpaid(world);
    assert!(pop_log_raw(world.pool_address).is_none());
}

/// The price is the worker's pending pay, once.
fn assert_paid_once(world: World, poster: ContractAddress) {
    assert_eq!(world.pay.pending_of(worker(), poster), (PRICE, 0));
    assert_eq!(world.pool.escrow_of(poster), 0);
}

// Posting

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
    world.token.reenter_with(selector!("deposit"), [50].span());
    act_as(poster());
    let outcome = try_post(world, 'hash', PRICE, DEADLINE, input());
    assert_refused(outcome, VaultErrors::REENTRANT_CALL);
}

// Fulfilling

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

// Delivering

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

// Reclaiming

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
