//! Batches of operations that somebody else pays for.

use crate::components::relayers::RelayersComponent::Errors as RelayerErrors;
use crate::forwarder::Forwarder::{Errors, OPERATIONS_MAX, Refusals};
use crate::interfaces::forwarder::{IForwarderDispatcherTrait, IRelayersDispatcherTrait};
use crate::types::operation::{Operation, OutsideVersion};
use starknet::SyscallResult;
use starknet::syscalls::call_contract_syscall;
use super::forwarder_world::{
    ForwarderWorld, ForwarderWorldTrait, doing, failed, forwarder_world, idle, owner, panicking,
    relayer, succeeded
};
use super::test_account::{ITestAccountDispatcherTrait, Step};
use super::world::{NOTICE, START, act_as, assert_refused, at, stranger};

/// The account calls the Forwarder with a batch of its own.
fn nested(world: ForwarderWorld, inner: Operation) -> Operation {
    let mut batch = array![];
    [inner].span().serialize(ref batch);
    let step = Step {
        to: world.address, selector: selector!("execute_batch"), calldata: batch.span()
    };
    Operation { calldata: doing(array![step], array![]), ..idle('outer', world.first) }
}

/// As the contract is called, with another number for the version of the second operation.
fn batch_with_version(world: ForwarderWorld, version: felt252) -> SyscallResult<Span<felt252>> {
    let mut calldata = array![2];
    idle(1, world.first).serialize(ref calldata);
    let account = world.second.contract_address.into();
    calldata.append_span([2, account, version, 1, 2, 0, 0].span());
    call_contract_syscall(world.address, selector!("execute_batch"), calldata.span())
}

#[test]
fn every_operation_runs_in_order_and_is_reported() {
    let world = forwarder_world();
    let batch = [idle(7, world.first), idle(8, world.second), idle(9, world.first)].span();
    world.forwarder.execute_batch(batch);
    assert_eq!((world.first.history(), world.second.history()), (22, 2));
    for operation in batch {
        world.expect(succeeded(*operation));
    };
    world.expect_silence();
}

#[test]
fn each_version_is_its_own_function_of_the_account() {
    let world = forwarder_world();
    let with = idle(1, world.first);
    let (first, third) = (OutsideVersion::V1, OutsideVersion::V3);
    let batch = [
        Operation { version: first, ..with }, with, Operation { version: third, ..with }
    ].span();
    world.forwarder.execute_batch(batch);
    assert_eq!(world.first.history(), 123);
}

#[test]
fn a_failing_operation_is_reported_and_those_beside_it_run() {
    let world = forwarder_world();
    let middle = panicking(8, world.second, array!['why', 'and more']);
    let batch = [idle(7, world.first), middle, idle(9, world.first)].span();
    world.forwarder.execute_batch(batch);
    assert_eq!(world.first.history(), 22);
    world.expect(succeeded(*batch[0]));
    world.expect(failed(middle, 'why'));
    world.expect(succeeded(*batch[2]));
    world.expect_silence();
}

#[test]
fn of_a_long_message_the_first_31_bytes_are_reported() {
    let world = forwarder_world();
    let mut short = array![core::byte_array::BYTE_ARRAY_MAGIC];
    let mut long = array![core::byte_array::BYTE_ARRAY_MAGIC];
    let text: ByteArray = "too little";
    text.serialize(ref short);
    let text: ByteArray = "a message that is longer than 31 bytes";
    text.serialize(ref long);
    let batch = [panicking(1, world.first, short), panicking(2, world.first, long)].span();
    world.forwarder.execute_batch(batch);
    world.expect(failed(*batch[0], 'too little'));
    world.expect(failed(*batch[1], 'a message that is longer than 3'));
}

#[test]
fn an_account_without_the_function_fails_alone() {
    let world = forwarder_world();
    let no_account = Operation { account: world.token.contract_address, ..idle(1, world.first) };
    let batch = [no_account, idle(2, world.first)].span();
    world.forwarder.execute_batch(batch);
    world.expect(failed(no_account, 'ENTRYPOINT_NOT_FOUND'));
    world.expect(succeeded(*batch[1]));
}

#[test]
fn the_forwarder_is_no_account() {
    let world = forwarder_world();
    let own = Operation { account: world.address, ..idle(1, world.first) };
    let batch = [own, idle(2, world.first)].span();
    world.forwarder.execute_batch(batch);
    world.expect(failed(own, Refusals::ACCOUNT_IS_FORWARDER));
    world.expect(succeeded(*batch[1]));
}

#[test]
fn another_function_cannot_be_named_and_nothing_runs() {
    let world = forwarder_world();
    assert_refused(batch_with_version(world, 3), 'Failed to deserialize param #1');
    let transfer = selector!("transfer");
    assert_refused(batch_with_version(world, transfer), 'Failed to deserialize param #1');
    assert_eq!((world.first.history(), world.second.history()), (0, 0));
    world.expect_silence();
    batch_with_version(world, 2).unwrap();
    assert_eq!((world.first.history(), world.second.history()), (2, 3));
}

#[test]
fn a_batch_inside_a_batch_fails_alone_though_a_relayer_sends_it() {
    let world = forwarder_world();
    act_as(owner());
    world.relayers.add_relayer(world.first.contract_address);
    at(START + NOTICE);
    world.forget_events();
    act_as(relayer());
    let outer = nested(world, idle('inner', world.second));
    let last = idle('last', world.second);
    world.forwarder.execute_batch([outer, last].span());
    world.expect(failed(outer, Errors::REENTRANT_CALL));
    world.expect(succeeded(last));
    assert_eq!(world.second.history(), 2);
}

#[test]
fn a_batch_inside_a_batch_by_nobody_fails_alone() {
    let world = forwarder_world();
    let outer = nested(world, idle('inner', world.second));
    let last = idle('last', world.second);
    world.forwarder.execute_batch([outer, last].span());
    world.expect(failed(outer, RelayerErrors::ONLY_RELAYER));
    world.expect(succeeded(last));
}

#[test]
fn after_a_batch_the_next_one_runs() {
    let world = forwarder_world();
    world.forwarder.execute_batch([panicking(1, world.first, array!['why'])].span());
    world.forwarder.execute_batch([idle(2, world.second)].span());
    assert_eq!(world.second.history(), 2);
}

#[test]
fn nobody_but_a_relayer_sends_a_batch() {
    let world = forwarder_world();
    for caller in array![
        stranger(), owner(), world.first.contract_address
    ] {
        act_as(caller);
        let outcome = world.try_batch([idle(1, world.first)].span());
        assert_refused(outcome, RelayerErrors::ONLY_RELAYER);
    };
    assert_eq!(world.first.history(), 0);
    world.expect_silence();
}

#[test]
fn an_empty_batch_is_refused() {
    let world = forwarder_world();
    assert_refused(world.try_batch([].span()), Errors::NO_OPERATIONS);
}

#[test]
fn a_batch_over_the_limit_is_refused_before_anything_runs() {
    let world = forwarder_world();
    let mut batch = array![];
    for id in 0..OPERATIONS_MAX + 1 {
        batch.append(idle(id.into(), world.first));
    };
    assert_refused(world.try_batch(batch.span()), Errors::TOO_MANY_OPERATIONS);
    assert_eq!(world.first.history(), 0);
    world.expect_silence();
}
