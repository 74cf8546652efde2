//! Where the fees go.

use crate::forwarder::Forwarder::{Errors, Event, FeesCollected};
use crate::interfaces::forwarder::{
    IFeesDispatcherTrait, IFeesSafeDispatcher, IFeesSafeDispatcherTrait, IForwarderDispatcherTrait
};
use crate::types::operation::Operation;
use starknet::SyscallResult;
use super::forwarder_world::{
    ForwarderWorld, ForwarderWorldTrait, doing, failed, fee_recipient, forwarder_world, idle
};
use super::test_account::Step;
use super::test_token::{ITestTokenDispatcherTrait, Mood};
use super::world::{act_as, assert_refused, stranger};

fn rich_world() -> ForwarderWorld {
    let world = forwarder_world();
    world.token.mint(world.address, 5_000);
    act_as(stranger());
    world
}

#[feature("safe_dispatcher")]
fn try_collect(world: ForwarderWorld) -> SyscallResult<()> {
    IFeesSafeDispatcher { contract_address: world.address }.collect(world.token.contract_address)
}

#[test]
fn anyone_may_collect_and_only_the_fee_recipient_gets_the_money() {
    let world = rich_world();
    let token = world.token.contract_address;
    world.fees.collect(token);
    assert_eq!(world.balance_of(fee_recipient()), 5_000);
    assert_eq!((world.balance_of(world.address), world.balance_of(stranger())), (0, 0));
    world.expect(Event::FeesCollected(FeesCollected { token, amount: 5_000 }));
    world.expect_silence();
}

#[test]
fn nothing_is_not_collected() {
    let world = forwarder_world();
    assert_refused(try_collect(world), Errors::NOTHING_TO_COLLECT);
    world.expect_silence();
}

#[test]
fn a_token_that_refuses_the_collection_reverts_it() {
    let world = rich_world();
    world.token.set_mood(Mood::REFUSES);
    assert_refused(try_collect(world), Errors::COLLECTION_REFUSED);
    assert_eq!(world.balance_of(world.address), 5_000);
}

#[test]
fn an_account_cannot_collect_inside_its_operation() {
    let world = rich_world();
    let calldata = [world.token.contract_address.into()].span();
    let collect = Step { to: world.address, selector: selector!("collect"), calldata };
    let calldata = doing(array![collect], array![]);
    let operation = Operation { calldata, ..idle(1, world.first) };
    act_as(super::forwarder_world::relayer());
    world.forwarder.execute_batch([operation].span());
    world.expect(failed(operation, Errors::REENTRANT_CALL));
    assert_eq!(world.balance_of(world.address), 5_000);
}

#[test]
fn the_fee_recipient_is_the_one_of_the_deployment() {
    assert_eq!(forwarder_world().fees.fee_recipient(), fee_recipient());
}
