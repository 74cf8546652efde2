//! Puts the contracts on the development chain and the money into them. Every step looks first, so a second start
//! changes nothing.

use std::time::Duration;

use anyhow::Context;
use ciro_api::{Address, Fri, PublicKey};
use ciro_contracts::{
    Deployment, ForwarderParameters, JobManager, Parameters, Pool, Token, deploy,
    deploy::STARKGATE_ERC20_CLASS, deploy_forwarder, token::STRK,
};

use super::{
    accounts::{Accounts, Role},
    models,
};
use crate::operator;

pub(super) const RPC_TIMEOUT: Duration = Duration::from_secs(20);

/// What the sponsor puts into the pool: 100 STRK.
const DEPOSIT: Fri = Fri(100 * Fri::ONE_STRK.0);
/// What the operator may spend of it in a day: 50 STRK.
const ALLOWANCE: Fri = Fri(50 * Fri::ONE_STRK.0);
/// What the worker stakes, and the least that any must: 10 STRK.
const STAKE: Fri = Fri(10 * Fri::ONE_STRK.0);
/// Short, so that a demo sees pay unlock; a public network takes days.
pub const CHALLENGE_WINDOW_S: u64 = 10;
/// How long a withdrawal or a lower allowance waits.
pub const WITHDRAWAL_NOTICE_S: u64 = 60;
const ALLOWANCE_EPOCH_S: u64 = 24 * 3_600;
/// A million credits.
const CREDITS_CAP: u128 = 1_000_000 * Fri::ONE_STRK.0;
const UNBONDING_S: u64 = 7 * 24 * 3_600;

/// Deploys, registers and funds.
pub(super) async fn set_up(
    accounts: &Accounts,
    worker_key: PublicKey,
) -> anyhow::Result<Deployment> {
    let parameters = Parameters {
        token: STRK,
        treasury: accounts.registrar.address(),
        challenge_window_s: CHALLENGE_WINDOW_S,
        withdrawal_notice_s: WITHDRAWAL_NOTICE_S,
        unbonding_s: UNBONDING_S,
        allowance_epoch_s: ALLOWANCE_EPOCH_S,
        registrar: accounts.registrar.address(),
        guardian: accounts.registrar.address(),
        min_worker_stake: STAKE,
        credits_class: STARKGATE_ERC20_CLASS,
        credits_cap: CREDITS_CAP,
    };
    let mut deployment = deploy(&accounts.registrar.account, &parameters).await?;
    deployment.forwarder = Some(deploy_relay(accounts).await?);
    register_models(accounts, &deployment).await.context("registering the models on chain")?;
    fund_sponsor(accounts, &deployment).await.context("funding the sponsor")?;
    stake(&accounts.worker, &deployment, worker_key).await.context("staking the worker")?;
    // Sponsors owe it what operations cost, so it is on the books like a worker; it signs with its account's own key.
    let treasury = &accounts.treasury;
    stake(treasury, &deployment, treasury.public_key).await.context("staking the treasury")?;
    let operator = &accounts.operator;
    operator::register(&operator.account, deployment.job_manager, operator.public_key)
        .await
        .context("registering the operator's key")?;
    Ok(deployment)
}

/// The contract that relays what accounts have signed.
async fn deploy_relay(accounts: &Accounts) -> anyhow::Result<Address> {
    let registrar = &accounts.registrar.account;
    let parameters = ForwarderParameters {
        owner: registrar.address(),
        fee_recipient: accounts.treasury.address(),
        notice_s: WITHDRAWAL_NOTICE_S,
        relayers: accounts.relayers.iter().map(Role::address).collect(),
    };
    let forwarder =
        deploy_forwarder(registrar, &parameters).await.context("deploying the Forwarder")?;
    Ok(forwarder.address)
}

async fn register_models(accounts: &Accounts, deployment: &Deployment) -> anyhow::Result<()> {
    let manager = JobManager { address: deployment.job_manager };
    let registrar = &accounts.registrar.account;
    let mut calls = Vec::new();
    for model in models::ALL {
        let terms = model.terms(deployment.sha256_adjudicator)?;
        if !manager.has_model(registrar.chain(), terms.id).await? {
            calls.push(manager.register_model(&terms));
        }
    }
    if !calls.is_empty() {
        registrar.execute(calls).await?;
    }
    Ok(())
}

async fn fund_sponsor(accounts: &Accounts, deployment: &Deployment) -> anyhow::Result<()> {
    let pool = Pool { address: deployment.pool };
    let token = Token { address: deployment.token };
    let sponsor = &accounts.sponsor.account;
    let operator = accounts.operator.address();
    let allowance = pool.allowance_of(sponsor.chain(), sponsor.address(), operator).await?;
    let deposit = pool.deposit_of(sponsor.chain(), sponsor.address(), operator).await?;
    let mut calls = Vec::new();
    // Topped up only when half is gone, so that a restart does not look like income.
    if deposit < Fri(DEPOSIT.0 / 2) {
        calls.extend([token.approve(deployment.pool, DEPOSIT), pool.deposit(operator, DEPOSIT)]);
    }
    if allowance < Fri(ALLOWANCE.0 / 2) {
        calls.push(pool.set_allowance(operator, ALLOWANCE));
    }
    if !calls.is_empty() {
        sponsor.execute(calls).await?;
    }
    Ok(())
}

async fn stake(role: &Role, deployment: &Deployment, key: PublicKey) -> anyhow::Result<()> {
    let pool = Pool { address: deployment.pool };
    let token = Token { address: deployment.token };
    let manager = JobManager { address: deployment.job_manager };
    let worker = &role.account;
    let mut calls = Vec::new();
    if pool.active_stake_of(worker.chain(), worker.address()).await? < STAKE {
        calls.extend([token.approve(deployment.pool, STAKE), pool.stake(STAKE)]);
    }
    if manager.worker_key(worker.chain(), worker.address()).await? != Some(key) {
        calls.push(manager.register_worker(key));
    }
    if !calls.is_empty() {
        worker.execute(calls).await?;
    }
    Ok(())
}
