//! Who owns the Forwarder, who relays, and what a deployment fixes.

use core::num::traits::Zero;
use crate::components::ownership::OwnershipComponent::{
    Errors as OwnerErrors, Event as OwnershipEvent, NOTICE_MAX_S, OwnerChanged, OwnerProposed
};
use crate::components::relayers::RelayersComponent::{
    Errors as RelayerErrors, Event as RelayersEvent, RelayerAdded, RelayerRemoved
};
use crate::forwarder::Forwarder::{Errors, Event};
use crate::interfaces::forwarder::{
    IOwnershipDispatcher, IOwnershipDispatcherTrait, IOwnershipSafeDispatcher,
    IOwnershipSafeDispatcherTrait, IRelayersDispatcher, IRelayersDispatcherTrait,
    IRelayersSafeDispatcher, IRelayersSafeDispatcherTrait
};
use starknet::testing::set_block_timestamp;
use starknet::{ContractAddress, SyscallResult, contract_address_const};
use super::forwarder_world::{
    ForwarderWorld, ForwarderWorldTrait, deploy_forwarder, fee_recipient, forwarder_world, idle,
    owner, relayer
};
use super::test_account::ITestAccountDispatcherTrait;
use super::world::{NOTICE, START, act_as, assert_refused, at, stranger};

const READY: u64 = START + NOTICE;

fn zero() -> ContractAddress {
    Zero::zero()
}

fn heir() -> ContractAddress {
    contract_address_const::<'heir'>()
}

fn newcomer() -> ContractAddress {
    contract_address_const::<'newcomer'>()
}

/// The owner is the caller of what follows.
fn owned_world() -> ForwarderWorld {
    let world = forwarder_world();
    act_as(owner());
    world
}

fn added(relayer: ContractAddress, from: u64) -> Event {
    Event::RelayersEvent(RelayersEvent::RelayerAdded(RelayerAdded { relayer, from }))
}

fn removed(relayer: ContractAddress) -> Event {
    Event::RelayersEvent(RelayersEvent::RelayerRemoved(RelayerRemoved { relayer }))
}

fn proposed(to: ContractAddress, ready_at: u64) -> Event {
    Event::OwnershipEvent(OwnershipEvent::OwnerProposed(OwnerProposed { to, ready_at }))
}

fn changed(owner: ContractAddress) -> Event {
    Event::OwnershipEvent(OwnershipEvent::OwnerChanged(OwnerChanged { owner }))
}

fn try_batch(world: ForwarderWorld, caller: ContractAddress) -> SyscallResult<()> {
    act_as(caller);
    world.try_batch([idle(1, world.first)].span())
}

#[feature("safe_dispatcher")]
fn try_add(world: ForwarderWorld, relayer: ContractAddress) -> SyscallResult<()> {
    IRelayersSafeDispatcher { contract_address: world.address }.add_relayer(relayer)
}

#[feature("safe_dispatcher")]
fn try_remove(world: ForwarderWorld, relayer: ContractAddress) -> SyscallResult<()> {
    IRelayersSafeDispatcher { contract_address: world.address }.remove_relayer(relayer)
}

#[feature("safe_dispatcher")]
fn try_propose(world: ForwarderWorld, to: ContractAddress) -> SyscallResult<()> {
    IOwnershipSafeDispatcher { contract_address: world.address }.propose_owner(to)
}

#[feature("safe_dispatcher")]
fn try_accept(world: ForwarderWorld, caller: ContractAddress) -> SyscallResult<()> {
    act_as(caller);
    IOwnershipSafeDispatcher { contract_address: world.address }.accept_ownership()
}

#[test]
fn a_forwarder_names_its_owner_its_notice_and_its_first_relayers() {
    set_block_timestamp(START);
    let relayers = [relayer(), newcomer()].span();
    let (contract_address, _) = deploy_forwarder(owner(), fee_recipient(), NOTICE, relayers)
        .unwrap();
    let ownership = IOwnershipDispatcher { contract_address };
    assert_eq!((ownership.owner(), ownership.notice_s()), (owner(), NOTICE));
    assert_eq!(ownership.proposed_owner(), (zero(), 0));
    let list = IRelayersDispatcher { contract_address };
    assert_eq!((list.relays_from(relayer()), list.relays_from(newcomer())), (START, START));
    assert_eq!(list.relays_from(stranger()), 0);
    let first: Option<Event> = starknet::testing::pop_log(contract_address);
    assert_eq!(first, Option::Some(added(relayer(), START)));
}

#[test]
fn a_deployment_without_owner_recipient_or_notice_is_refused() {
    let relayers = [relayer()].span();
    let no_owner = deploy_forwarder(zero(), fee_recipient(), NOTICE, relayers);
    assert_refused(no_owner, OwnerErrors::OWNER_IS_ZERO);
    let no_recipient = deploy_forwarder(owner(), zero(), NOTICE, relayers);
    assert_refused(no_recipient, Errors::RECIPIENT_IS_ZERO);
    let no_notice = deploy_forwarder(owner(), fee_recipient(), 0, relayers);
    assert_refused(no_notice, OwnerErrors::NOTICE_IS_ZERO);
    let too_long = deploy_forwarder(owner(), fee_recipient(), NOTICE_MAX_S + 1, relayers);
    assert_refused(too_long, OwnerErrors::NOTICE_TOO_LONG);
}

#[test]
fn a_deployment_with_a_relayer_that_is_zero_or_named_twice_is_refused() {
    set_block_timestamp(START);
    let nobody = deploy_forwarder(owner(), fee_recipient(), NOTICE, [zero()].span());
    assert_refused(nobody, RelayerErrors::RELAYER_IS_ZERO);
    let twice = [relayer(), relayer()].span();
    let twice = deploy_forwarder(owner(), fee_recipient(), NOTICE, twice);
    assert_refused(twice, RelayerErrors::ALREADY_ADDED);
}

#[test]
fn a_new_relayer_relays_once_the_notice_is_over() {
    let world = owned_world();
    world.relayers.add_relayer(newcomer());
    assert_eq!(world.relayers.relays_from(newcomer()), READY);
    world.expect(added(newcomer(), READY));
    world.expect_silence();
    at(READY - 1);
    assert_refused(try_batch(world, newcomer()), RelayerErrors::ONLY_RELAYER);
    assert_eq!(world.first.history(), 0);
    at(READY);
    try_batch(world, newcomer()).unwrap();
    assert_eq!(world.first.history(), 2);
}

#[test]
fn a_removed_relayer_is_out_at_once() {
    let world = owned_world();
    world.relayers.remove_relayer(relayer());
    assert_eq!(world.relayers.relays_from(relayer()), 0);
    world.expect(removed(relayer()));
    world.expect_silence();
    assert_refused(try_batch(world, relayer()), RelayerErrors::ONLY_RELAYER);
    assert_eq!(world.first.history(), 0);
}

#[test]
fn a_relayer_can_be_removed_before_it_begins_and_added_again_with_notice() {
    let world = owned_world();
    world.relayers.add_relayer(newcomer());
    world.relayers.remove_relayer(newcomer());
    at(READY);
    assert_refused(try_batch(world, newcomer()), RelayerErrors::ONLY_RELAYER);
    act_as(owner());
    world.relayers.add_relayer(newcomer());
    assert_eq!(world.relayers.relays_from(newcomer()), READY + NOTICE);
}

#[test]
fn a_relayer_that_is_zero_or_there_already_is_not_added() {
    let world = owned_world();
    assert_refused(try_add(world, zero()), RelayerErrors::RELAYER_IS_ZERO);
    assert_refused(try_add(world, relayer()), RelayerErrors::ALREADY_ADDED);
    assert_eq!(world.relayers.relays_from(relayer()), START);
    world.expect_silence();
}

#[test]
fn who_is_no_relayer_cannot_be_removed() {
    let world = owned_world();
    assert_refused(try_remove(world, stranger()), RelayerErrors::NOT_ADDED);
    world.expect_silence();
}

#[test]
fn nobody_but_the_owner_chooses_relayers() {
    let world = forwarder_world();
    for caller in array![
        relayer(), stranger(), fee_recipient()
    ] {
        act_as(caller);
        assert_refused(try_add(world, newcomer()), OwnerErrors::ONLY_OWNER);
        assert_refused(try_remove(world, relayer()), OwnerErrors::ONLY_OWNER);
    };
    assert_eq!(world.relayers.relays_from(newcomer()), 0);
    assert_eq!(world.relayers.relays_from(relayer()), START);
    world.expect_silence();
}

#[test]
fn the_ownership_is_handed_on_after_the_notice() {
    let world = owned_world();
    world.ownership.propose_owner(heir());
    assert_eq!(world.ownership.proposed_owner(), (heir(), READY));
    world.expect(proposed(heir(), READY));
    at(READY - 1);
    assert_refused(try_accept(world, heir()), OwnerErrors::TIMELOCKED);
    assert_eq!(world.ownership.owner(), owner());
    world.expect_silence();
    at(READY);
    try_accept(world, heir()).unwrap();
    assert_eq!(world.ownership.owner(), heir());
    assert_eq!(world.ownership.proposed_owner(), (zero(), 0));
    world.expect(changed(heir()));
    act_as(owner());
    assert_refused(try_add(world, newcomer()), OwnerErrors::ONLY_OWNER);
    act_as(heir());
    try_add(world, newcomer()).unwrap();
}

#[test]
fn nobody_but_the_proposed_owner_accepts() {
    let world = owned_world();
    assert_refused(try_accept(world, zero()), OwnerErrors::ONLY_SUCCESSOR);
    act_as(owner());
    world.ownership.propose_owner(heir());
    at(READY);
    for caller in array![
        owner(), stranger(), relayer()
    ] {
        assert_refused(try_accept(world, caller), OwnerErrors::ONLY_SUCCESSOR);
    };
    assert_eq!(world.ownership.owner(), owner());
}

#[test]
fn nobody_but_the_owner_proposes() {
    let world = forwarder_world();
    for caller in array![
        relayer(), stranger(), heir()
    ] {
        act_as(caller);
        assert_refused(try_propose(world, heir()), OwnerErrors::ONLY_OWNER);
    };
    assert_eq!(world.ownership.proposed_owner(), (zero(), 0));
    world.expect_silence();
}

#[test]
fn a_proposal_is_withdrawn_with_the_zero_address() {
    let world = owned_world();
    world.ownership.propose_owner(heir());
    world.ownership.propose_owner(zero());
    world.expect(proposed(heir(), READY));
    world.expect(proposed(zero(), 0));
    at(READY);
    assert_refused(try_accept(world, heir()), OwnerErrors::ONLY_SUCCESSOR);
    assert_refused(try_accept(world, zero()), OwnerErrors::ONLY_SUCCESSOR);
}
