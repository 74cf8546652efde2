//! Deployment, the parameters, who may pay, and that no money appears or vanishes.

use crate::components::sponsors::SponsorsComponent::Refusals;
use crate::components::vault::VaultComponent::Errors as VaultErrors;
use crate::components::model_registry::ModelRegistryComponent::Errors as RegistryErrors;
use crate::interfaces::job_manager::{
    IModelsDispatcherTrait, ISettlementDispatcherTrait, IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPoolDispatcherTrait, IPoolSafeDispatcher, IPoolSafeDispatcherTrait,
    ISponsorsDispatcherTrait, IStakesDispatcherTrait, IVaultDispatcher, IVaultDispatcherTrait
};
use crate::job_manager::JobManager;
use crate::pool::CdcPool::{DURATION_MAX_S, Errors};
use starknet::contract_address_const;
use starknet::syscalls::deploy_syscall;
use starknet::testing::pop_log_raw;
use super::world::{
    MIN_STAKE, NOTICE, Parameters, START, UNBONDING, WINDOW, World, WorldTrait, act_as,
    assert_refused, at, busy_world, deploy, empty_world, good_parameters, operator, registrar,
    sponsor, stranger, worker
};

fn safe(world: @World) -> IPoolSafeDispatcher {
    IPoolSafeDispatcher { contract_address: *world.pool_address }
}

#[test]
fn the_constructor_deploys_a_job_manager_bound_to_this_pool() {
    let world = empty_world();
    assert_ne!(world.manager_address, world.pool_address);
    assert_eq!(world.settlement.pool(), world.pool_address);
    assert_eq!(world.models.registrar(), registrar());
    assert_eq!(world.workers.min_worker_stake(), MIN_STAKE);
}

#[test]
fn the_parameters_are_readable() {
    let world = empty_world();
    let vault = IVaultDispatcher { contract_address: world.pool_address };
    assert_eq!(vault.token(), world.token.contract_address);
    assert_eq!(world.pay.challenge_window_s(), WINDOW);
    assert_eq!(world.sponsors.withdrawal_notice_s(), NOTICE);
    assert_eq!(world.stakes.unbonding_s(), UNBONDING);
}

#[test]
fn a_deployment_with_bad_parameters_is_refused() {
    let good = good_parameters();
    let zero = contract_address_const::<0>();
    let too_long = DURATION_MAX_S + 1;
    let bad = array![
        (Parameters { token: zero, ..good }, VaultErrors::TOKEN_IS_ZERO),
        (Parameters { class: 0.try_into().unwrap(), ..good }, Errors::CLASS_IS_ZERO),
        (Parameters { registrar: zero, ..good }, RegistryErrors::REGISTRAR_IS_ZERO),
        (Parameters { window: 0, ..good }, Errors::WINDOW_IS_ZERO),
        (Parameters { notice: 2 * WINDOW - 1, ..good }, Errors::NOTICE_TOO_SHORT),
        (Parameters { unbonding: 2 * WINDOW - 1, ..good }, Errors::UNBONDING_TOO_SHORT),
        (Parameters { window: too_long, ..good }, Errors::DURATION_TOO_LONG),
        (Parameters { notice: too_long, ..good }, Errors::DURATION_TOO_LONG),
        (Parameters { unbonding: too_long, ..good }, Errors::DURATION_TOO_LONG),
    ];
    for (parameters, reason) in bad {
        assert_refused(deploy(parameters), reason);
    };
}

#[test]
fn a_job_manager_without_a_pool_is_refused() {
    let class = JobManager::TEST_CLASS_HASH.try_into().unwrap();
    let outcome = deploy_syscall(class, 0, [0, registrar().into(), 1].span(), false);
    assert_refused(outcome, JobManager::Errors::POOL_IS_ZERO);
}

#[test]
#[feature("safe_dispatcher")]
fn only_the_job_manager_pays() {
    let world = busy_world();
    for caller in array![
        operator(), sponsor(), registrar(), stranger(), world.pool_address
    ] {
        act_as(caller);
        let outcome = safe(@world).try_pay(sponsor(), operator(), worker(), 1);
        assert_refused(outcome, Errors::ONLY_JOB_MANAGER);
    };
    assert_eq!(world.sponsors.deposit_of(sponsor()), 10_000);
}

#[test]
fn try_pay_moves_the_amount_and_lowers_the_allowance() {
    let world = busy_world();
    act_as(world.manager_address);
    assert_eq!(world.pool.try_pay(sponsor(), operator(), worker(), 1_500), 0);
    assert_eq!(world.sponsors.deposit_of(sponsor()), 8_500);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 2_500);
    assert_eq!(world.pay.pending_of(worker()), (1_500, 0));
}

#[test]
fn try_pay_answers_why_it_moved_nothing() {
    let world = busy_world();
    act_as(world.manager_address);
    let over_allowance = world.pool.try_pay(sponsor(), operator(), worker(), 4_001);
    assert_eq!(over_allowance, Refusals::INSUFFICIENT_ALLOWANCE);
    act_as(sponsor());
    world.sponsors.set_allowance(operator(), 20_000);
    act_as(world.manager_address);
    let over_deposit = world.pool.try_pay(sponsor(), operator(), worker(), 10_001);
    assert_eq!(over_deposit, Refusals::INSUFFICIENT_DEPOSIT);
    assert_eq!(world.sponsors.deposit_of(sponsor()), 10_000);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 20_000);
    assert_eq!(world.pay.pending_of(worker()), (0, 0));
}

#[test]
fn events_name_themselves_first_then_their_keys() {
    let world = empty_world();
    world.fund(sponsor(), 5);
    world.sponsors.deposit(5);
    world.sponsors.set_allowance(operator(), 7);
    let (keys, data) = pop_log_raw(world.pool_address).unwrap();
    assert_eq!(keys, [selector!("Deposited"), sponsor().into()].span());
    assert_eq!(data, [5].span());
    let (keys, data) = pop_log_raw(world.pool_address).unwrap();
    assert_eq!(keys, [selector!("AllowanceSet"), sponsor().into(), operator().into()].span());
    assert_eq!(data, [7].span());
}

/// The pool holds what it owes, to the last unit.
fn assert_conserved(world: @World) {
    let (locked, claimable) = (*world.pay).pending_of(worker());
    let owed = (*world.sponsors).deposit_of(sponsor())
        + (*world.sponsors).deposit_of(stranger())
        + (*world.stakes).stake_of(worker())
        + locked
        + claimable;
    assert_eq!(world.balance_of(*world.pool_address), owed.into());
}

#[test]
fn money_is_conserved_through_a_long_sequence() {
    let world = busy_world();
    world.add_sponsor(stranger(), 777, 0);
    assert_conserved(@world);
    let mut seq: u128 = 1;
    let mut paid: u256 = 0;
    for step in 0_u64
        ..24 {
            at(START + step * 700);
            world.pay(seq, 10 + step.into() * 13);
            assert_eq!(world.settlement.last_seq(sponsor(), worker()), seq);
            assert_conserved(@world);
            seq += 1;
            act_as(sponsor());
            if step % 5 == 0 {
                world.fund(sponsor(), 50);
                world.sponsors.deposit(50);
            }
            if step % 6 == 1 {
                world.sponsors.announce_withdrawal(200);
            }
            if step % 6 == 4 {
                world.sponsors.withdraw();
            }
            assert_conserved(@world);
            let (_, claimable) = world.pay.pending_of(worker());
            if step % 4 == 3 && claimable != 0 {
                world.pay.claim(worker());
                paid += claimable.into();
            }
            assert_conserved(@world);
        };
    at(START + 100 * WINDOW);
    act_as(worker());
    let (locked, claimable) = world.pay.pending_of(worker());
    assert_eq!(locked, 0);
    world.pay.claim(worker());
    paid += claimable.into();
    // 24 payments of 10, 23, 36, ...
    assert_eq!(paid, 24 * 10 + 13 * 276);
    assert_eq!(world.balance_of(worker()), paid);
    world.stakes.announce_unstake(500);
    at(START + 100 * WINDOW + UNBONDING);
    world.stakes.unstake();
    assert_conserved(@world);
}
