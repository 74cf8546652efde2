//! Deployment, the parameters, who may pay, and that no money appears or vanishes.

use crate::components::binding::BindingComponent::Errors as BindingErrors;
use crate::components::credits::CreditsComponent::Errors as CreditsErrors;
use crate::components::roles::RolesComponent::Errors as RolesErrors;
use crate::components::sponsors::SponsorsComponent::Refusals;
use crate::components::stakes::StakesComponent::Refusals as StakeRefusals;
use crate::components::vault::VaultComponent::Errors as VaultErrors;
use crate::components::worker_keys::WorkerKeysComponent::Errors as KeysErrors;
use crate::interfaces::job_manager::{
    IBindingDispatcher, IBindingDispatcherTrait, IRolesDispatcherTrait, IWorkersDispatcherTrait
};
use crate::interfaces::pool::{
    IPendingPayDispatcherTrait, IPoolDispatcherTrait, IPoolSafeDispatcher, IPoolSafeDispatcherTrait,
    ISponsorsDispatcherTrait, IStakesDispatcherTrait, IVaultDispatcher, IVaultDispatcherTrait
};
use crate::job_manager::JobManager;
use crate::pool::CdcPool::{DURATION_MAX_S, Errors, Refusals as MoneyRefusals};
use crate::types::parameters::{ManagerParameters, PoolParameters};
use crate::types::payment::Payment;
use crate::types::roles::Role;
use starknet::contract_address_const;
use starknet::syscalls::deploy_syscall;
use starknet::testing::pop_log_raw;
use super::world::{
    ALLOWANCE_EPOCH, MIN_STAKE, NOTICE, Parameters, START, UNBONDING, WINDOW, World, WorldTrait,
    act_as, assert_refused, at, busy_world, deploy, empty_world, good_parameters, guardian,
    operator, registrar, sponsor, stranger, treasury, worker
};

fn safe(world: @World) -> IPoolSafeDispatcher {
    IPoolSafeDispatcher { contract_address: *world.pool_address }
}

#[test]
fn the_constructor_deploys_a_job_manager_bound_to_this_pool() {
    let world = empty_world();
    assert_ne!(world.manager_address, world.pool_address);
    let binding = IBindingDispatcher { contract_address: world.manager_address };
    assert_eq!(binding.pool(), world.pool_address);
    assert_eq!(world.roles.holder_of(Role::Registrar), registrar());
    assert_eq!(world.roles.holder_of(Role::Guardian), guardian());
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
    assert_eq!(world.sponsors.allowance_epoch_s(), ALLOWANCE_EPOCH);
    assert_eq!(world.pool.treasury(), treasury());
}

#[test]
fn a_deployment_with_bad_parameters_is_refused() {
    let good = good_parameters();
    let zero = contract_address_const::<0>();
    let too_long = DURATION_MAX_S + 1;
    let bad = array![
        (PoolParameters { token: zero, ..good.pool }, VaultErrors::TOKEN_IS_ZERO),
        (PoolParameters { treasury: zero, ..good.pool }, Errors::TREASURY_IS_ZERO),
        (PoolParameters { challenge_window_s: 0, ..good.pool }, Errors::WINDOW_IS_ZERO),
        (PoolParameters { allowance_epoch_s: 0, ..good.pool }, Errors::EPOCH_IS_ZERO),
        (
            PoolParameters { withdrawal_notice_s: 2 * WINDOW - 1, ..good.pool },
            Errors::NOTICE_TOO_SHORT
        ),
        (PoolParameters { unbonding_s: 2 * WINDOW - 1, ..good.pool }, Errors::UNBONDING_TOO_SHORT),
        (PoolParameters { challenge_window_s: too_long, ..good.pool }, Errors::DURATION_TOO_LONG),
        (PoolParameters { withdrawal_notice_s: too_long, ..good.pool }, Errors::DURATION_TOO_LONG),
        (PoolParameters { unbonding_s: too_long, ..good.pool }, Errors::DURATION_TOO_LONG),
        (PoolParameters { allowance_epoch_s: too_long, ..good.pool }, Errors::DURATION_TOO_LONG),
    ];
    for (pool, reason) in bad {
        assert_refused(deploy(Parameters { pool, ..good }), reason);
    };
    let no_class = Parameters { class: 0.try_into().unwrap(), ..good };
    assert_refused(deploy(no_class), Errors::CLASS_IS_ZERO);
}

#[test]
fn a_deployment_whose_job_manager_gets_bad_parameters_is_refused() {
    let good = good_parameters();
    let zero = contract_address_const::<0>();
    let no_class = 0.try_into().unwrap();
    let bad = array![
        (ManagerParameters { registrar: zero, ..good.manager }, RolesErrors::HOLDER_IS_ZERO),
        (ManagerParameters { guardian: zero, ..good.manager }, RolesErrors::HOLDER_IS_ZERO),
        (ManagerParameters { min_worker_stake: 0, ..good.manager }, KeysErrors::MIN_STAKE_IS_ZERO),
        (
            ManagerParameters { credits_class: no_class, ..good.manager },
            CreditsErrors::CLASS_IS_ZERO
        ),
    ];
    for (
        manager, reason
    ) in bad {
        assert_refused(deploy(Parameters { manager, ..good }), reason);
    };
}

#[test]
fn a_job_manager_without_a_pool_is_refused() {
    let class = JobManager::TEST_CLASS_HASH.try_into().unwrap();
    let mut calldata = array![0];
    (good_parameters().manager, WINDOW, NOTICE).serialize(ref calldata);
    let outcome = deploy_syscall(class, 0, calldata.span(), false);
    assert_refused(outcome, BindingErrors::POOL_IS_ZERO);
}

/// Payment 1 of the pair of `busy_world`.
fn first_payment(amount: u128) -> Payment {
    Payment { sponsor: sponsor(), worker: worker(), seq: 1, amount }
}

#[test]
#[feature("safe_dispatcher")]
fn nobody_but_the_job_manager_moves_money() {
    let world = busy_world();
    for caller in array![
        operator(), sponsor(), worker(), registrar(), guardian(), stranger(), world.pool_address
    ] {
        act_as(caller);
        let pool = safe(@world);
        let paid = pool.pay(operator(), 0, [first_payment(1)].span());
        assert_refused(paid, Errors::ONLY_JOB_MANAGER);
        assert_refused(pool.take_escrow(sponsor(), 1), Errors::ONLY_JOB_MANAGER);
        assert_refused(pool.pay_escrow(sponsor(), worker(), 0, 1), Errors::ONLY_JOB_MANAGER);
        assert_refused(pool.return_escrow(sponsor(), 1), Errors::ONLY_JOB_MANAGER);
        assert_refused(pool.slash(worker(), caller), Errors::ONLY_JOB_MANAGER);
    };
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 10_000);
    assert_eq!(world.stakes.stake_of(worker()), 500);
}

#[test]
fn a_payment_moves_the_amount_and_lowers_the_allowance() {
    let world = busy_world();
    act_as(world.manager_address);
    let outcomes = world.pool.pay(operator(), MIN_STAKE, [first_payment(1_500)].span());
    assert_eq!(outcomes, [0].span());
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 8_500);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 2_500);
    assert_eq!(world.pending_of(worker()), (1_500, 0));
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), 1);
    assert_eq!(world.stakes.exposed_until(worker()), START + 2 * WINDOW);
}

fn pay_as_manager(world: @World, min_stake: u128, payment: Payment) -> Span<felt252> {
    act_as(*world.manager_address);
    (*world.pool).pay(operator(), min_stake, [payment].span())
}

#[test]
fn a_refused_payment_says_why_and_moves_nothing() {
    let world = busy_world();
    let low = pay_as_manager(@world, 501, first_payment(1));
    assert_eq!(low, [StakeRefusals::STAKE_TOO_LOW].span());
    let skipped = pay_as_manager(@world, MIN_STAKE, Payment { seq: 2, ..first_payment(1) });
    assert_eq!(skipped, [MoneyRefusals::WRONG_SEQ].span());
    let over_allowance = pay_as_manager(@world, MIN_STAKE, first_payment(4_001));
    assert_eq!(over_allowance, [Refusals::INSUFFICIENT_ALLOWANCE].span());
    act_as(sponsor());
    world.sponsors.set_allowance(operator(), 20_000);
    let over_deposit = pay_as_manager(@world, MIN_STAKE, first_payment(10_001));
    assert_eq!(over_deposit, [Refusals::INSUFFICIENT_DEPOSIT].span());
    assert_eq!(world.sponsors.deposit_of(sponsor(), operator()), 10_000);
    assert_eq!(world.sponsors.allowance_of(sponsor(), operator()), 20_000);
    assert_eq!(world.pending_of(worker()), (0, 0));
    assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), 0);
    assert_eq!(world.stakes.exposed_until(worker()), 0);
}

#[test]
fn events_name_themselves_first_then_their_keys() {
    let world = empty_world();
    world.fund(sponsor(), 5);
    world.sponsors.deposit(operator(), 5);
    world.sponsors.set_allowance(operator(), 7);
    let (keys, data) = pop_log_raw(world.pool_address).unwrap();
    assert_eq!(keys, [selector!("Deposited"), sponsor().into(), operator().into()].span());
    assert_eq!(data, [5].span());
    let (keys, data) = pop_log_raw(world.pool_address).unwrap();
    assert_eq!(keys, [selector!("AllowanceSet"), sponsor().into(), operator().into()].span());
    assert_eq!(data, [7, START.into(), 0].span());
}

/// The pool holds what it owes, to the last unit.
fn assert_conserved(world: @World) {
    let (locked, claimable) = world.pending_of(worker());
    let owed = (*world.sponsors).deposit_of(sponsor(), operator())
        + (*world.sponsors).deposit_of(stranger(), operator())
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
            assert_eq!(world.pool.last_seq(sponsor(), operator(), worker()), seq);
            assert_conserved(@world);
            seq += 1;
            act_as(sponsor());
            if step % 5 == 0 {
                world.fund(sponsor(), 50);
                world.sponsors.deposit(operator(), 50);
            }
            if step % 6 == 1 {
                world.sponsors.announce_withdrawal(operator(), 200);
            }
            if step % 6 == 4 {
                world.sponsors.withdraw(operator());
            }
            assert_conserved(@world);
            let (_, claimable) = world.pending_of(worker());
            if step % 4 == 3 && claimable != 0 {
                world.claim(worker());
                paid += claimable.into();
            }
            assert_conserved(@world);
        };
    at(START + 100 * WINDOW);
    act_as(worker());
    let (locked, claimable) = world.pending_of(worker());
    assert_eq!(locked, 0);
    world.claim(worker());
    paid += claimable.into();
    // 24 payments of 10, 23, 36, ...
    assert_eq!(paid, 24 * 10 + 13 * 276);
    assert_eq!(world.balance_of(worker()), paid);
    world.stakes.announce_unstake(500);
    at(START + 100 * WINDOW + UNBONDING);
    world.stakes.unstake();
    assert_conserved(@world);
}
