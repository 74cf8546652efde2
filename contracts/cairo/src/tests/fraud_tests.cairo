//! Evidence of fraud: what slashes a worker, and everything that does not.

use core::ec::stark_curve::ORDER;
use crate::components::fraud::FraudComponent::{EquivocationShown, Errors, Event, WrongOutputShown};
use crate::components::model_registry::ModelRegistryComponent::Errors as ModelErrors;
use crate::components::stakes::StakesComponent::{
    Errors as StakesErrors, Event as StakesEvent, Slashed
};
use crate::hashes::commitment::{poseidon_commitment, sha256_commitment};
use crate::interfaces::job_manager::{
    IFraudDispatcherTrait, IFraudSafeDispatcher, IFraudSafeDispatcherTrait, IModelsDispatcherTrait,
    IPauseDispatcherTrait, IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IStakesDispatcherTrait, IStakesSafeDispatcher,
    IStakesSafeDispatcherTrait
};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::pool::CdcPool::Event as PoolEvent;
use crate::types::attestation::Attestation;
use crate::types::evidence::Evidence;
use starknet::testing::{pop_log_raw, set_chain_id};
use starknet::{ContractAddress, contract_address_const};
use super::evidence::{evidence_in_batch, evidence_of};
use super::signer::public_key;
use super::world::{
    START, UNBONDING, WINDOW, WORKER_SECRET, World, WorldTrait, act_as, assert_refused, at,
    busy_world, guardian, operator, registrar, sponsor, stranger, treasury, worker
};

const EVERYTHING: u128 = 0xffffffffffffffffffffffffffffffff;
/// What the hash model of `add_hash_model` takes at most.
const HASH_INPUT_MAX: u32 = 4_096;

fn twin() -> ContractAddress {
    contract_address_const::<'twin'>()
}

fn safe(world: World) -> IFraudSafeDispatcher {
    IFraudSafeDispatcher { contract_address: world.manager_address }
}

/// The worker's word on one job, with this output.
fn attestation(world: World, output: felt252) -> Attestation {
    let contract = world.manager_address;
    Attestation {
        job: 'job', epoch: 3, model: 'model', input: 'input', output, contract, worker: worker()
    }
}

/// The worker's signed word on one job, with this output.
fn signed(world: World, output: felt252) -> Evidence {
    evidence_of(world, attestation(world, output), WORKER_SECRET)
}

/// The 32 bytes of SHA-256("abc").
fn digest_of_abc() -> ByteArray {
    let mut digest = "";
    digest.append_word(0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015, 31);
    digest.append_word(0xad, 1);
    digest
}

/// `busy_world` with the hash model, and the stranger as the caller.
fn hash_world() -> World {
    let world = busy_world();
    world.add_hash_model();
    world.forget_events();
    act_as(stranger());
    world
}

/// "SHA-256 of `input` is `output`", two commitments.
fn hash_attestation(world: World, input: @ByteArray, output: felt252) -> Attestation {
    let input = poseidon_commitment(input);
    Attestation { model: 'hash', input, ..attestation(world, output) }
}

/// The worker's signed word that SHA-256("abc") is what `output` commits to.
fn signed_digest(world: World, output: felt252) -> Evidence {
    evidence_of(world, hash_attestation(world, @"abc", output), WORKER_SECRET)
}

fn zeros(length: u32) -> ByteArray {
    let mut bytes = "";
    for _ in 0..length {
        bytes.append_byte(0);
    };
    bytes
}

fn no_witness() -> Span<felt252> {
    [].span()
}

fn equivocation(job: felt252, first_output: felt252, second_output: felt252) -> ManagerEvent {
    let shown = EquivocationShown { worker: worker(), job, epoch: 3, first_output, second_output };
    ManagerEvent::FraudEvent(Event::EquivocationShown(shown))
}

fn slashed(amount: u128, reward: u128) -> PoolEvent {
    let (worker, reporter) = (worker(), stranger());
    PoolEvent::StakesEvent(StakesEvent::Slashed(Slashed { worker, reporter, amount, reward }))
}

/// The stranger has reported the worker of `busy_world`.
fn assert_slashed(world: World) {
    world.expect_of_pool(slashed(500, 250));
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_ne!(world.stakes.slashed_at(worker()), 0);
    assert_eq!(world.balance_of(stranger()), 250);
    assert_eq!(world.balance_of(treasury()), 250);
}

fn assert_nothing_slashed(world: World) {
    assert_eq!(world.stakes.stake_of(worker()), 500);
    assert_eq!(world.stakes.slashed_at(worker()), 0);
    assert_eq!(world.balance_of(stranger()), 0);
    assert_eq!(world.balance_of(treasury()), 0);
    assert!(pop_log_raw(world.pool_address).is_none());
    assert!(pop_log_raw(world.manager_address).is_none());
}

/// The stranger shows these two, in either order, and gets nowhere.
#[feature("safe_dispatcher")]
fn assert_no_equivocation(world: World, one: Evidence, other: Evidence, reason: felt252) {
    world.forget_events();
    act_as(stranger());
    assert_refused(safe(world).slash_equivocation(one, other), reason);
    assert_refused(safe(world).slash_equivocation(other, one), reason);
    assert_nothing_slashed(world);
}

/// The stranger has this adjudicated on "abc" and gets nowhere.
#[feature("safe_dispatcher")]
fn assert_not_adjudicated(world: World, evidence: Evidence, reason: felt252) {
    world.forget_events();
    act_as(stranger());
    assert_refused(safe(world).adjudicate(evidence, "abc", no_witness()), reason);
    assert_nothing_slashed(world);
}

#[test]
fn two_outputs_for_one_job_cost_the_whole_stake() {
    let world = busy_world();
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    world.expect_of_manager(equivocation('job', 'one', 'other'));
    assert!(pop_log_raw(world.manager_address).is_none());
    assert_slashed(world);
    assert!(pop_log_raw(world.pool_address).is_none());
}

#[test]
fn two_leaves_of_one_batch_are_an_equivocation() {
    let world = busy_world();
    let (one, other) = (attestation(world, 'one'), attestation(world, 'other'));
    let (first, second) = evidence_in_batch(world, one, other, WORKER_SECRET);
    act_as(stranger());
    world.fraud.slash_equivocation(second, first);
    world.expect_of_manager(equivocation('job', 'other', 'one'));
    assert_slashed(world);
}

#[test]
fn a_leaf_of_a_batch_and_a_batch_of_one_are_an_equivocation() {
    let world = busy_world();
    let unrelated = Attestation { job: 'unrelated', ..attestation(world, 'any') };
    let one = attestation(world, 'one');
    let (_, first) = evidence_in_batch(world, unrelated, one, WORKER_SECRET);
    act_as(stranger());
    world.fraud.slash_equivocation(first, signed(world, 'other'));
    world.expect_of_manager(equivocation('job', 'one', 'other'));
    assert_slashed(world);
}

#[test]
fn the_outputs_contradict_each_other_whatever_the_model_and_the_input() {
    let world = busy_world();
    let other = Attestation {
        model: 'other model', input: 'other input', ..attestation(world, 'other')
    };
    act_as(stranger());
    let second = evidence_of(world, other, WORKER_SECRET);
    world.fraud.slash_equivocation(signed(world, 'one'), second);
    assert_slashed(world);
}

#[test]
fn announced_parts_are_slashed_too_and_the_odd_fri_goes_to_the_treasury() {
    let world = busy_world();
    world.fund(worker(), 1);
    world.stakes.stake(1);
    world.stakes.announce_unstake(400);
    world.forget_events();
    at(START + UNBONDING);
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    world.expect_of_pool(slashed(501, 250));
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_eq!(world.stakes.announced_unstake_of(worker()), (0, 0));
    assert_eq!(world.balance_of(stranger()), 250);
    assert_eq!(world.balance_of(treasury()), 251);
    assert_eq!(world.balance_of(world.pool_address), 10_000);
}

#[test]
fn a_rotated_key_still_answers_for_what_it_signed() {
    let world = busy_world();
    act_as(worker());
    world.workers.register_worker(public_key('new secret'));
    let by_new_key = evidence_of(world, attestation(world, 'new'), 'new secret');
    world.forget_events();
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'old'), by_new_key);
    world.expect_of_manager(equivocation('job', 'old', 'new'));
    assert_slashed(world);
}

#[test]
fn two_signatures_of_the_same_old_key_still_count() {
    let world = busy_world();
    act_as(worker());
    world.workers.register_worker(public_key('new secret'));
    world.forget_events();
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    assert_slashed(world);
}

#[test]
fn a_worker_that_deregistered_still_answers_with_its_stake() {
    let world = busy_world();
    act_as(worker());
    world.workers.deregister_worker();
    world.forget_events();
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    assert_slashed(world);
}

#[test]
fn a_pause_does_not_shield_a_liar() {
    let world = busy_world();
    act_as(guardian());
    world.pause.pause();
    world.forget_events();
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    assert_slashed(world);
}

#[test]
fn a_worker_that_shows_its_own_equivocation_loses_half_at_least() {
    let world = busy_world();
    act_as(worker());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    assert_eq!(world.stakes.stake_of(worker()), 0);
    assert_eq!(world.balance_of(worker()), 250);
    assert_eq!(world.balance_of(treasury()), 250);
}

#[test]
fn shown_fraud_freezes_the_pay_that_is_locked() {
    let world = busy_world();
    world.pay(1, 300);
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    at(START + 2 * WINDOW);
    assert_eq!(world.pending_of(worker()), (300, 0));
    world.pay.return_pay(worker(), [sponsor()].span());
    assert_eq!(world.balance_of(sponsor()), 300);
}

#[test]
#[feature("safe_dispatcher")]
fn a_worker_whose_stake_has_left_is_finished_without_a_reward() {
    let world = busy_world();
    world.pay(1, 300);
    act_as(worker());
    world.stakes.announce_unstake(EVERYTHING);
    at(START + UNBONDING);
    world.stakes.unstake();
    world.forget_events();
    act_as(stranger());
    world.fraud.slash_equivocation(signed(world, 'one'), signed(world, 'other'));
    world.expect_of_manager(equivocation('job', 'one', 'other'));
    world.expect_of_pool(slashed(0, 0));
    assert_eq!(world.stakes.slashed_at(worker()), START + UNBONDING);
    assert_eq!(world.balance_of(stranger()), 0);
    assert_eq!(world.balance_of(treasury()), 0);
    assert_eq!(world.pending_of(worker()), (0, 300));
    world.fund(worker(), 500);
    let stakes = IStakesSafeDispatcher { contract_address: world.pool_address };
    assert_refused(stakes.stake(500), StakesErrors::SLASHED);
}

#[test]
#[feature("safe_dispatcher")]
fn a_worker_is_slashed_for_one_equivocation_and_not_again() {
    let world = busy_world();
    let (one, other) = (signed(world, 'one'), signed(world, 'other'));
    act_as(stranger());
    world.fraud.slash_equivocation(one, other);
    let again = safe(world).slash_equivocation(one, other);
    assert_refused(again, StakesErrors::SLASHED);
    let third = safe(world).slash_equivocation(one, signed(world, 'third'));
    assert_refused(third, StakesErrors::SLASHED);
    assert_slashed(world);
    assert!(pop_log_raw(world.pool_address).is_none());
    assert_eq!(world.balance_of(world.pool_address), 10_000);
}

#[test]
fn different_workers_are_no_equivocation() {
    let world = busy_world();
    world.add_worker(twin(), 500, WORKER_SECRET);
    let other = Attestation { worker: twin(), ..attestation(world, 'other') };
    let second = evidence_of(world, other, WORKER_SECRET);
    assert_no_equivocation(world, signed(world, 'one'), second, Errors::OTHER_WORKER);
    assert_eq!(world.stakes.stake_of(twin()), 500);
}

#[test]
fn different_jobs_are_no_equivocation() {
    let world = busy_world();
    let other = Attestation { job: 'other job', ..attestation(world, 'other') };
    let second = evidence_of(world, other, WORKER_SECRET);
    assert_no_equivocation(world, signed(world, 'one'), second, Errors::OTHER_JOB);
}

#[test]
fn different_epochs_are_no_equivocation() {
    let world = busy_world();
    let other = Attestation { epoch: 4, ..attestation(world, 'other') };
    let second = evidence_of(world, other, WORKER_SECRET);
    assert_no_equivocation(world, signed(world, 'one'), second, Errors::OTHER_EPOCH);
}

#[test]
fn the_same_output_signed_twice_is_no_equivocation() {
    let world = busy_world();
    let same = attestation(world, 'one');
    let (first, second) = evidence_in_batch(world, same, same, WORKER_SECRET);
    assert_no_equivocation(world, first, second, Errors::SAME_OUTPUT);
    assert_no_equivocation(world, first, signed(world, 'one'), Errors::SAME_OUTPUT);
}

#[test]
fn an_attestation_for_another_contract_does_not_count() {
    let world = busy_world();
    let other = Attestation { contract: world.pool_address, ..attestation(world, 'other') };
    let second = evidence_of(world, other, WORKER_SECRET);
    assert_no_equivocation(world, signed(world, 'one'), second, Errors::OTHER_CONTRACT);
}

#[test]
fn a_key_that_was_never_the_workers_does_not_count() {
    let world = busy_world();
    world.add_worker(twin(), 500, 'twin secret');
    for secret in array![
        'never registered', 'twin secret'
    ] {
        let second = evidence_of(world, attestation(world, 'other'), secret);
        assert_no_equivocation(world, signed(world, 'one'), second, Errors::NEVER_ITS_KEY);
    };
    let keyless = Evidence { public_key: 0, ..signed(world, 'other') };
    assert_no_equivocation(world, signed(world, 'one'), keyless, Errors::NEVER_ITS_KEY);
}

#[test]
fn a_forged_signature_does_not_count() {
    let world = busy_world();
    let one = signed(world, 'one');
    let by_another = evidence_of(world, attestation(world, 'other'), 'another secret');
    let forgeries = array![
        Evidence { attestation: attestation(world, 'other'), ..one },
        Evidence { public_key: one.public_key, ..by_another },
        Evidence { signature_s: one.signature_s, ..signed(world, 'other') },
    ];
    for forged in forgeries {
        assert_no_equivocation(world, one, forged, Errors::BAD_SIGNATURE);
    };
}

#[test]
fn edge_scalars_are_no_signature() {
    let world = busy_world();
    let good = signed(world, 'other');
    for edge in array![
        0, ORDER, ORDER + 1, -1
    ] {
        let bad_r = Evidence { signature_r: edge, ..good };
        let bad_s = Evidence { signature_s: edge, ..good };
        assert_no_equivocation(world, signed(world, 'one'), bad_r, Errors::BAD_SIGNATURE);
        assert_no_equivocation(world, signed(world, 'one'), bad_s, Errors::BAD_SIGNATURE);
    };
}

#[test]
fn signatures_for_another_chain_do_not_count() {
    let world = busy_world();
    let (one, other) = (signed(world, 'one'), signed(world, 'other'));
    set_chain_id('SN_MAIN');
    assert_no_equivocation(world, one, other, Errors::BAD_SIGNATURE);
}

#[test]
fn a_path_of_another_length_does_not_count() {
    let world = busy_world();
    let (one, other) = (attestation(world, 'one'), attestation(world, 'other'));
    let (first, second) = evidence_in_batch(world, one, other, WORKER_SECRET);
    let sibling = *second.path[0];
    for path in array![
        [].span(), [sibling, 0].span(), [sibling, sibling].span()
    ] {
        let bad = Evidence { path, ..second };
        assert_no_equivocation(world, first, bad, Errors::BAD_SIGNATURE);
    };
    let bad = Evidence { path: [0].span(), ..signed(world, 'other') };
    assert_no_equivocation(world, first, bad, Errors::BAD_SIGNATURE);
}

#[test]
fn a_place_outside_the_batch_does_not_count() {
    let world = busy_world();
    let (one, other) = (attestation(world, 'one'), attestation(world, 'other'));
    let (first, second) = evidence_in_batch(world, one, other, WORKER_SECRET);
    let alone = signed(world, 'other');
    let outside = array![
        Evidence { index: 2, ..second },
        Evidence { index: 3, ..second },
        Evidence { index: 1, ..alone },
        Evidence { count: 0, ..alone },
        Evidence { index: 0xffffffff, count: 0xffffffff, ..alone },
    ];
    for bad in outside {
        assert_no_equivocation(world, first, bad, Errors::BAD_SIGNATURE);
    };
}

#[test]
fn another_place_or_count_than_the_signed_one_does_not_count() {
    let world = busy_world();
    let (one, other) = (attestation(world, 'one'), attestation(world, 'other'));
    let (first, second) = evidence_in_batch(world, one, other, WORKER_SECRET);
    let swapped = Evidence { index: 0, ..second };
    assert_no_equivocation(world, first, swapped, Errors::BAD_SIGNATURE);
    let path = [*second.path[0], 0].span();
    let deeper = Evidence { count: 3, path, ..second };
    assert_no_equivocation(world, first, deeper, Errors::BAD_SIGNATURE);
}

#[test]
#[feature("safe_dispatcher")]
fn nobody_slashes_without_evidence() {
    let world = hash_world();
    let unsigned = Evidence { signature_r: 1, signature_s: 1, ..signed(world, 'one') };
    let unsigned_digest = Evidence {
        signature_r: 1, signature_s: 1, ..signed_digest(world, 'lie')
    };
    for caller in array![
        registrar(), guardian(), operator(), sponsor(), treasury(), stranger(), world.pool_address
    ] {
        act_as(caller);
        let shown = safe(world).slash_equivocation(unsigned, signed(world, 'other'));
        assert_refused(shown, Errors::BAD_SIGNATURE);
        let one = signed(world, 'one');
        assert_refused(safe(world).slash_equivocation(one, one), Errors::SAME_OUTPUT);
        let adjudicated = safe(world).adjudicate(unsigned_digest, "abc", no_witness());
        assert_refused(adjudicated, Errors::BAD_SIGNATURE);
    };
    assert_nothing_slashed(world);
}

fn wrong_output(signed_output: felt252, right: @ByteArray) -> ManagerEvent {
    let right_output = poseidon_commitment(right);
    let shown = WrongOutputShown {
        worker: worker(), job: 'job', epoch: 3, signed_output, right_output
    };
    ManagerEvent::FraudEvent(Event::WrongOutputShown(shown))
}

#[test]
fn a_wrong_digest_costs_the_whole_stake() {
    let world = hash_world();
    world.fraud.adjudicate(signed_digest(world, 'lie'), "abc", no_witness());
    world.expect_of_manager(wrong_output('lie', @digest_of_abc()));
    assert!(pop_log_raw(world.manager_address).is_none());
    assert_slashed(world);
    assert!(pop_log_raw(world.pool_address).is_none());
}

#[test]
fn the_right_digest_slashes_nobody() {
    let world = hash_world();
    let right = signed_digest(world, poseidon_commitment(@digest_of_abc()));
    assert_not_adjudicated(world, right, Errors::OUTPUT_IS_RIGHT);
}

#[test]
#[feature("safe_dispatcher")]
fn no_witness_makes_the_right_digest_wrong() {
    let world = hash_world();
    let right = signed_digest(world, poseidon_commitment(@digest_of_abc()));
    let outcome = safe(world).adjudicate(right, "abc", ['lie', 1, 2].span());
    assert_refused(outcome, Errors::OUTPUT_IS_RIGHT);
    assert_nothing_slashed(world);
}

#[test]
fn the_digest_committed_by_another_scheme_is_wrong() {
    let world = hash_world();
    let other_scheme = sha256_commitment(@digest_of_abc());
    world.fraud.adjudicate(signed_digest(world, other_scheme), "abc", no_witness());
    world.expect_of_manager(wrong_output(other_scheme, @digest_of_abc()));
    assert_slashed(world);
}

#[test]
fn a_wrong_digest_in_a_batch_and_by_an_old_key_counts() {
    let world = hash_world();
    let lie = hash_attestation(world, @"abc", 'lie');
    let (_, evidence) = evidence_in_batch(world, attestation(world, 'any'), lie, WORKER_SECRET);
    act_as(worker());
    world.workers.register_worker(public_key('new secret'));
    world.forget_events();
    act_as(stranger());
    world.fraud.adjudicate(evidence, "abc", no_witness());
    world.expect_of_manager(wrong_output('lie', @digest_of_abc()));
    assert_slashed(world);
}

#[test]
fn a_worker_that_has_itself_adjudicated_loses_half_at_least() {
    let world = hash_world();
    act_as(worker());
    world.fraud.adjudicate(signed_digest(world, 'lie'), "abc", no_witness());
    assert_eq!(world.balance_of(worker()), 250);
    assert_eq!(world.balance_of(treasury()), 250);
    assert_eq!(world.stakes.stake_of(worker()), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn a_worker_is_slashed_once_whatever_else_is_shown() {
    let world = hash_world();
    let lie = signed_digest(world, 'lie');
    world.fraud.adjudicate(lie, "abc", no_witness());
    let again = safe(world).adjudicate(lie, "abc", no_witness());
    assert_refused(again, StakesErrors::SLASHED);
    let shown = safe(world).slash_equivocation(lie, signed_digest(world, 'another lie'));
    assert_refused(shown, StakesErrors::SLASHED);
    assert_slashed(world);
    assert!(pop_log_raw(world.pool_address).is_none());
}

#[test]
#[feature("safe_dispatcher")]
fn another_input_than_the_attested_one_is_refused() {
    let world = hash_world();
    let right = signed_digest(world, poseidon_commitment(@digest_of_abc()));
    for input in array![
        "abd", "ab", "", "abc\x00"
    ] {
        let outcome = safe(world).adjudicate(right, input, no_witness());
        assert_refused(outcome, Errors::OTHER_INPUT);
    };
    assert_nothing_slashed(world);
}

#[test]
#[feature("safe_dispatcher")]
fn an_input_over_the_models_limit_is_refused() {
    let world = hash_world();
    let input = zeros(HASH_INPUT_MAX + 1);
    let evidence = evidence_of(world, hash_attestation(world, @input, 'lie'), WORKER_SECRET);
    let outcome = safe(world).adjudicate(evidence, input, no_witness());
    assert_refused(outcome, Errors::INPUT_TOO_LARGE);
    assert_nothing_slashed(world);
}

#[test]
fn an_input_at_the_models_limit_is_adjudicated() {
    let world = hash_world();
    let input = zeros(HASH_INPUT_MAX);
    let evidence = evidence_of(world, hash_attestation(world, @input, 'lie'), WORKER_SECRET);
    world.fraud.adjudicate(evidence, input, no_witness());
    assert_slashed(world);
}

#[test]
fn a_model_that_is_not_registered_is_not_adjudicated() {
    let world = hash_world();
    let lie = Attestation { model: 'unknown', ..hash_attestation(world, @"abc", 'lie') };
    let evidence = evidence_of(world, lie, WORKER_SECRET);
    assert_not_adjudicated(world, evidence, ModelErrors::NOT_REGISTERED);
}

#[test]
fn a_model_that_is_only_signed_cannot_be_recomputed() {
    let world = hash_world();
    let nobody = contract_address_const::<0>();
    act_as(registrar());
    world.models.register_model('signed', 0, nobody, 'poseidon', 4_096, 10, 0, "ipfs://signed");
    let lie = Attestation { model: 'signed', ..hash_attestation(world, @"abc", 'lie') };
    let evidence = evidence_of(world, lie, WORKER_SECRET);
    assert_not_adjudicated(world, evidence, Errors::NOT_RECOMPUTABLE);
}

#[test]
fn a_wrong_digest_for_another_contract_does_not_count() {
    let world = hash_world();
    let lie = hash_attestation(world, @"abc", 'lie');
    let elsewhere = Attestation { contract: world.pool_address, ..lie };
    let evidence = evidence_of(world, elsewhere, WORKER_SECRET);
    assert_not_adjudicated(world, evidence, Errors::OTHER_CONTRACT);
}

#[test]
fn a_wrong_digest_by_a_key_that_was_never_the_workers_does_not_count() {
    let world = hash_world();
    let evidence = evidence_of(world, hash_attestation(world, @"abc", 'lie'), 'another secret');
    assert_not_adjudicated(world, evidence, Errors::NEVER_ITS_KEY);
}

#[test]
fn a_wrong_digest_with_a_bad_signature_does_not_count() {
    let world = hash_world();
    let right = signed_digest(world, poseidon_commitment(@digest_of_abc()));
    let lie = hash_attestation(world, @"abc", 'lie');
    let forgeries = array![
        Evidence { attestation: lie, ..right },
        Evidence { path: [0].span(), ..signed_digest(world, 'lie') },
        Evidence { index: 1, ..signed_digest(world, 'lie') },
    ];
    for forged in forgeries {
        assert_not_adjudicated(world, forged, Errors::BAD_SIGNATURE);
    };
    set_chain_id('SN_MAIN');
    assert_not_adjudicated(world, signed_digest(world, 'lie'), Errors::BAD_SIGNATURE);
}
