//! Accounts that come to be, alone or with their first operation.

use core::hash::HashStateTrait;
use core::pedersen::PedersenTrait;
use crate::components::relayers::RelayersComponent::Errors as RelayerErrors;
use crate::forwarder::Forwarder::{AccountDeployed, Errors, Event, Refusals};
use crate::interfaces::forwarder::{
    IForwarderDispatcherTrait, IForwarderSafeDispatcher, IForwarderSafeDispatcherTrait
};
use crate::types::operation::{Deployment, Operation};
use starknet::{ContractAddress, SyscallResult};
use super::forwarder_world::{
    ForwarderWorld, ForwarderWorldTrait, forwarder_world, idle, panicking, succeeded
};
use super::test_account::{ITestAccountDispatcher, ITestAccountDispatcherTrait, TestAccount};
use super::test_token::ITestTokenDispatcherTrait;
use super::world::{act_as, assert_refused, stranger};

const SALT: felt252 = 'salt';

/// Addresses are below it; a hash of these tests is so with certainty near one.
const ADDRESS_BOUND: u256 = 0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00;

/// Where Starknet puts an account that deploys itself.
fn address_of(owner: felt252) -> ContractAddress {
    let calldata = PedersenTrait::new(0).update(owner).update(1).finalize();
    let hash = PedersenTrait::new(0)
        .update('STARKNET_CONTRACT_ADDRESS')
        .update(0)
        .update(SALT)
        .update(TestAccount::TEST_CLASS_HASH)
        .update(calldata)
        .update(5)
        .finalize();
    let reduced: u256 = hash.into() % ADDRESS_BOUND;
    let felt: felt252 = reduced.try_into().unwrap();
    felt.try_into().unwrap()
}

fn deployment() -> Deployment {
    Deployment {
        id: 'deployment',
        account: address_of('device'),
        class: TestAccount::TEST_CLASS_HASH.try_into().unwrap(),
        salt: SALT,
        constructor_calldata: [
            'device'
        ].span()
    }
}

fn new_account() -> ITestAccountDispatcher {
    ITestAccountDispatcher { contract_address: deployment().account }
}

fn deployed() -> Event {
    let Deployment { id, account, .. } = deployment();
    Event::AccountDeployed(AccountDeployed { id, account })
}

#[feature("safe_dispatcher")]
fn try_deploy(world: ForwarderWorld, deployment: Deployment) -> SyscallResult<()> {
    IForwarderSafeDispatcher { contract_address: world.address }.deploy_account(deployment)
}

#[feature("safe_dispatcher")]
fn try_both(world: ForwarderWorld, operation: Operation) -> SyscallResult<()> {
    IForwarderSafeDispatcher { contract_address: world.address }
        .deploy_and_execute(deployment(), operation)
}

#[test]
fn an_account_is_deployed_where_it_would_have_deployed_itself() {
    let world = forwarder_world();
    world.forwarder.deploy_account(deployment());
    world.expect(deployed());
    world.expect_silence();
    let operation = idle(1, new_account());
    world.forwarder.execute_batch([operation].span());
    world.expect(succeeded(operation));
}

#[test]
fn an_account_that_would_be_elsewhere_is_refused() {
    let world = forwarder_world();
    let elsewhere = Deployment { account: stranger(), ..deployment() };
    assert_refused(try_deploy(world, elsewhere), Errors::OTHER_ADDRESS);
    world.expect_silence();
}

#[test]
fn a_constructor_that_fails_fails_the_deployment() {
    let world = forwarder_world();
    let ownerless = Deployment { constructor_calldata: [0].span(), ..deployment() };
    assert_refused(try_deploy(world, ownerless), 'test account: no owner');
}

#[test]
fn nobody_but_a_relayer_deploys() {
    let world = forwarder_world();
    act_as(stranger());
    assert_refused(try_deploy(world, deployment()), RelayerErrors::ONLY_RELAYER);
    assert_refused(try_both(world, idle(1, new_account())), RelayerErrors::ONLY_RELAYER);
    world.expect_silence();
}

#[test]
fn an_account_is_deployed_and_runs_its_first_operation() {
    let world = forwarder_world();
    let operation = idle(1, new_account());
    world.forwarder.deploy_and_execute(deployment(), operation);
    assert_eq!(new_account().history(), 2);
    world.expect(deployed());
    world.expect(succeeded(operation));
    world.expect_silence();
}

#[test]
fn a_new_account_pays_for_its_deployment() {
    let world = forwarder_world();
    world.token.mint(deployment().account, 1_000);
    let operation = world.paying(1, new_account(), 300, 200);
    world.forwarder.deploy_and_execute(deployment(), operation);
    assert_eq!(
        (world.balance_of(deployment().account), world.balance_of(world.address)), (800, 200)
    );
    world.forwarder.execute_batch([operation].span());
    assert_eq!(
        (world.balance_of(deployment().account), world.balance_of(world.address)), (600, 400)
    );
}

#[test]
fn a_new_account_that_does_not_pay_reverts_it_all() {
    let world = forwarder_world();
    world.token.mint(deployment().account, 1_000);
    let operation = world.paying(1, new_account(), 199, 200);
    assert_refused(try_both(world, operation), Refusals::UNDERPAID);
}

#[test]
fn a_first_operation_that_fails_reverts_it_all() {
    let world = forwarder_world();
    let operation = panicking(1, new_account(), array!['why']);
    assert_refused(try_both(world, operation), 'why');
}

#[test]
fn the_first_operation_is_of_the_new_account() {
    let world = forwarder_world();
    assert_refused(try_both(world, idle(1, world.first)), Errors::OTHER_ACCOUNT);
    world.expect_silence();
}
