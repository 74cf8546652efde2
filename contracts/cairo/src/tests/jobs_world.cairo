//! On-chain jobs for tests: a poster, two workers that qualify, and short words for what they do.

use crate::components::onchain_jobs::OnchainJobsComponent::Event;
use crate::hashes::commitment::poseidon_commitment;
use crate::interfaces::job_manager::{
    IModelsDispatcherTrait, IOnchainJobsDispatcherTrait, IOnchainJobsSafeDispatcher,
    IOnchainJobsSafeDispatcherTrait, IPauseDispatcherTrait
};
use crate::interfaces::pool::{IPendingPayDispatcherTrait, IPoolDispatcherTrait};
use crate::job_manager::JobManager::Event as ManagerEvent;
use crate::types::attestation::Attestation;
use crate::types::evidence::Evidence;
use crate::types::onchain_job::{OnchainJob, OnchainJobState};
use starknet::testing::pop_log_raw;
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::evidence::evidence_of;
use super::test_poster::{ITestPosterDispatcher, ITestPosterDispatcherTrait, deploy_poster};
use super::world::{
    WorldTrait, START, WINDOW, WORKER_SECRET, World, act_as, assert_refused, empty_world, guardian,
    registrar, stranger, worker
};

pub const FIRST: felt252 = 0x100000000000000000000000000000001;
pub const SECOND: felt252 = 0x100000000000000000000000000000002;
pub const PRICE: u128 = 100;
pub const DEADLINE: u64 = START + 3 * WINDOW;
pub const RIVAL_SECRET: felt252 = 'rival';

pub fn poster() -> ContractAddress {
    contract_address_const::<'poster'>()
}

/// The second worker that qualifies.
pub fn rival() -> ContractAddress {
    contract_address_const::<'rival'>()
}

pub fn input() -> ByteArray {
    "what is the digest of these bytes?"
}

pub fn output() -> ByteArray {
    "the digest, as far as the worker says"
}

pub fn bytes(length: u32) -> ByteArray {
    let mut joined = "";
    for _ in 0..length {
        joined.append_byte('x');
    };
    joined
}

pub fn event(event: Event) -> ManagerEvent {
    ManagerEvent::OnchainJobsEvent(event)
}

/// A registered 'hash' model, a worker with its stake, and a poster that has approved two prices.
pub fn ready_world() -> World {
    let world = empty_world();
    world.add_worker(worker(), 600, WORKER_SECRET);
    world.add_hash_model();
    world.fund(poster(), 2 * PRICE);
    world.forget_events();
    world
}

/// Job `FIRST` is open.
pub fn posted_world() -> World {
    let world = ready_world();
    post(world);
    world.forget_events();
    world
}

/// The worker has fulfilled `FIRST`.
pub fn fulfilled_world() -> World {
    let world = posted_world();
    world.jobs.fulfil(proof(world), output());
    world.forget_events();
    world
}

/// `FIRST` is fulfilled, and its poster is a contract.
pub fn deliverable_world() -> (World, ITestPosterDispatcher) {
    let world = ready_world();
    let contract = deploy_poster(world.manager_address);
    world.fund(contract.contract_address, PRICE);
    contract.post('hash', PRICE, DEADLINE, input());
    act_as(stranger());
    world.jobs.fulfil(proof(world), output());
    world.forget_events();
    (world, contract)
}

pub fn add_model(world: World, id: felt252, scheme: felt252, min_stake: u128) {
    act_as(registrar());
    let nobody = contract_address_const::<0>();
    world.models.register_model(id, 0, nobody, scheme, 100_000, 10, min_stake, "ipfs://model");
    act_as(poster());
}

pub fn pause(world: World) {
    act_as(guardian());
    world.pause.pause();
    act_as(poster());
    world.forget_events();
}

pub fn post(world: World) -> felt252 {
    act_as(poster());
    world.jobs.post_job('hash', PRICE, DEADLINE, input())
}

/// What an honest worker attests for `FIRST`.
pub fn result(world: World) -> Attestation {
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

pub fn proof(world: World) -> Evidence {
    evidence_of(world, result(world), WORKER_SECRET)
}

pub fn proof_for(world: World, job: felt252) -> Evidence {
    evidence_of(world, Attestation { job, ..result(world) }, WORKER_SECRET)
}

pub fn open_job() -> OnchainJob {
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

pub fn fulfilled_job() -> OnchainJob {
    let output = poseidon_commitment(@output());
    OnchainJob { output, state: OnchainJobState::Fulfilled, ..open_job() }
}

pub fn state_of(world: World, job: felt252) -> OnchainJobState {
    world.jobs.onchain_job(job).state
}

pub fn jobs_safe(world: World) -> IOnchainJobsSafeDispatcher {
    IOnchainJobsSafeDispatcher { contract_address: world.manager_address }
}

#[feature("safe_dispatcher")]
pub fn try_post(
    world: World, model: felt252, price: u128, deadline: u64, input: ByteArray
) -> SyscallResult<felt252> {
    jobs_safe(world).post_job(model, price, deadline, input)
}

#[feature("safe_dispatcher")]
pub fn try_fulfil(world: World, evidence: Evidence) -> SyscallResult<()> {
    jobs_safe(world).fulfil(evidence, output())
}

#[feature("safe_dispatcher")]
pub fn try_deliver(world: World, job: felt252, output: ByteArray) -> SyscallResult<()> {
    jobs_safe(world).deliver(job, output)
}

#[feature("safe_dispatcher")]
pub fn try_reclaim(world: World, job: felt252) -> SyscallResult<()> {
    jobs_safe(world).reclaim(job)
}

pub fn assert_silent(world: World) {
    assert!(pop_log_raw(world.manager_address).is_none(), "the JobManager emitted something");
    assert!(pop_log_raw(world.pool_address).is_none(), "the pool emitted something");
}

/// Sees this post refused, with no job and the poster's money where it was.
pub fn assert_not_posted(world: World, outcome: SyscallResult<felt252>, reason: felt252) {
    assert_refused(outcome, reason);
    assert_eq!(state_of(world, FIRST), OnchainJobState::Absent);
    assert_eq!(world.pool.escrow_of(poster()), 0);
    assert_eq!(world.balance_of(poster()), (2 * PRICE).into());
    assert_silent(world);
}

/// The price of `FIRST` is in escrow, and no worker was promised anything.
pub fn assert_unpaid(world: World) {
    assert_eq!(world.pool.escrow_of(poster()), PRICE);
    assert_eq!(world.pay.pending_of(worker(), poster()), (0, 0));
    assert_eq!(world.pay.pending_of(rival(), poster()), (0, 0));
    assert_eq!(world.pay.pending_of(stranger(), poster()), (0, 0));
}

/// Sees this evidence for `FIRST` refused, with the job still open and nothing changed.
pub fn assert_not_fulfilled(world: World, evidence: Evidence, reason: felt252) {
    assert_refused(try_fulfil(world, evidence), reason);
    assert_eq!(world.jobs.onchain_job(FIRST), open_job());
    assert_unpaid(world);
    assert_silent(world);
}

/// As `assert_not_fulfilled`, for what the worker signed itself.
pub fn assert_not_accepted(world: World, attestation: Attestation, reason: felt252) {
    assert_not_fulfilled(world, evidence_of(world, attestation, WORKER_SECRET), reason);
}

/// Sees the pool refuse to back this worker: no money moves. The JobManager has written before it
/// asks, and the refusal reverts that.
pub fn assert_not_backed(world: World, evidence: Evidence, reason: felt252) {
    assert_refused(try_fulfil(world, evidence), reason);
    assert_unpaid(world);
    assert!(pop_log_raw(world.pool_address).is_none());
}

/// The price is the worker's pending pay, once.
pub fn assert_paid_once(world: World, poster: ContractAddress) {
    assert_eq!(world.pay.pending_of(worker(), poster), (PRICE, 0));
    assert_eq!(world.pool.escrow_of(poster), 0);
}
