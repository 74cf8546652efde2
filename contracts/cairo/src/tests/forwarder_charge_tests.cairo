//! Operations that pay: what is kept, what goes back, and that nothing else moves.

use crate::components::relayers::RelayersComponent::Errors as RelayerErrors;
use crate::forwarder::Forwarder::{Errors, Refusals};
use crate::interfaces::forwarder::{
    IChargedSafeDispatcher, IChargedSafeDispatcherTrait, IForwarderDispatcherTrait
};
use crate::types::operation::{Charge, Operation, OutsideVersion};
use super::forwarder_world::{
    ForwarderWorld, ForwarderWorldTrait, deploy_token, doing, failed, forwarder_world, idle,
    panicking, succeeded
};
use super::test_account::{ITestAccountDispatcherTrait, Step};
use super::test_token::{ITestTokenDispatcherTrait, Mood};
use super::world::{act_as, assert_refused, stranger};

/// Each account has 1,000, and the Forwarder 5,000 from before.
fn paying_world() -> ForwarderWorld {
    let world = forwarder_world();
    world.token.mint(world.first.contract_address, 1_000);
    world.token.mint(world.second.contract_address, 1_000);
    world.token.mint(world.address, 5_000);
    world
}

/// Of the first account, the second one and the Forwarder.
fn balances(world: ForwarderWorld) -> (u256, u256, u256) {
    let (first, second) = (world.first.contract_address, world.second.contract_address);
    (world.balance_of(first), world.balance_of(second), world.balance_of(world.address))
}

/// The token comes out of nowhere, so that the refund is its only transfer.
fn paying_by_mint(world: ForwarderWorld, id: felt252, amount: u256, charge: u128) -> Operation {
    let mut calldata = array![];
    (world.address, amount).serialize(ref calldata);
    let to = world.token.contract_address;
    let mint = Step { to, selector: selector!("mint"), calldata: calldata.span() };
    let calldata = doing(array![mint], array![]);
    Operation { calldata, ..world.paying(id, world.first, 0, charge) }
}

#[test]
fn an_exact_payment_is_kept() {
    let world = paying_world();
    let paid = world.paying(1, world.first, 300, 300);
    world.forwarder.execute_batch([paid].span());
    assert_eq!(balances(world), (700, 1_000, 5_300));
    world.expect(succeeded(paid));
    world.expect_silence();
}

#[test]
fn what_is_over_the_charge_goes_back() {
    let world = paying_world();
    let paid = world.paying(1, world.first, 300, 120);
    world.forwarder.execute_batch([paid].span());
    assert_eq!(balances(world), (880, 1_000, 5_120));
    world.expect(succeeded(paid));
}

#[test]
fn a_charge_of_nothing_gives_everything_back() {
    let world = paying_world();
    world.forwarder.execute_batch([world.paying(1, world.first, 300, 0)].span());
    assert_eq!(balances(world), (1_000, 1_000, 5_000));
}

#[test]
fn a_payment_below_the_charge_fails_alone_whatever_was_there_before() {
    let world = paying_world();
    let short = world.paying(1, world.first, 299, 300);
    let paid = world.paying(2, world.second, 300, 300);
    world.forwarder.execute_batch([short, paid].span());
    world.expect(failed(short, Refusals::UNDERPAID));
    world.expect(succeeded(paid));
}

#[test]
fn an_operation_that_pays_nothing_fails() {
    let world = paying_world();
    let free = Operation {
        charge: world.paying(1, world.first, 0, 1).charge, ..idle(1, world.first)
    };
    world.forwarder.execute_batch([free].span());
    world.expect(failed(free, Refusals::UNDERPAID));
    assert_eq!(balances(world), (1_000, 1_000, 5_000));
}

#[test]
fn a_paid_operation_that_fails_is_reported_with_its_own_reason() {
    let world = paying_world();
    let charge = world.paying(1, world.first, 0, 1).charge;
    let broken = Operation { charge, ..panicking(1, world.first, array!['why']) };
    let paid = world.paying(2, world.second, 300, 300);
    world.forwarder.execute_batch([broken, paid].span());
    world.expect(failed(broken, 'why'));
    world.expect(succeeded(paid));
    assert_eq!(balances(world), (1_000, 700, 5_300));
}

#[test]
fn the_same_account_pays_for_each_of_its_operations() {
    let world = paying_world();
    let batch = [
        world.paying(1, world.first, 300, 100),
        world.paying(2, world.first, 300, 200),
        world.paying(3, world.second, 50, 50),
        world.paying(4, world.first, 300, 300)
    ].span();
    world.forwarder.execute_batch(batch);
    assert_eq!(balances(world), (400, 950, 5_650));
    for operation in batch {
        world.expect(succeeded(*operation));
    };
}

#[test]
fn what_a_sponsored_operation_sends_is_not_given_to_the_next_one() {
    let world = paying_world();
    let gift = Operation { charge: Option::None, ..world.paying(2, world.second, 400, 0) };
    let batch = [
        world.paying(1, world.first, 100, 50), gift, world.paying(3, world.first, 100, 50)
    ].span();
    world.forwarder.execute_batch(batch);
    assert_eq!(balances(world), (900, 600, 5_500));
}

#[test]
fn what_is_paid_in_another_token_is_counted_apart() {
    let world = paying_world();
    let other = deploy_token('other');
    other.mint(world.second.contract_address, 1_000);
    let there = ForwarderWorld { token: other, ..world };
    // It pays in the other token, and sends some of the first one beside it.
    let steps = array![there.payment(70), world.payment(400)];
    let both = Operation {
        calldata: doing(steps, array![]), ..there.paying(2, world.second, 0, 30)
    };
    let batch = [
        world.paying(1, world.first, 100, 50), both, world.paying(3, world.first, 100, 50)
    ].span();
    world.forwarder.execute_batch(batch);
    assert_eq!(balances(world), (900, 600, 5_500));
    assert_eq!(balances(there), (0, 970, 30));
}

#[test]
fn a_token_that_answers_false_to_the_refund_fails_the_operation_alone() {
    let world = paying_world();
    world.token.set_mood(Mood::REFUSES);
    let refunded = paying_by_mint(world, 1, 300, 100);
    let last = idle(2, world.second);
    world.forwarder.execute_batch([refunded, last].span());
    world.expect(failed(refunded, Refusals::REFUND_REFUSED));
    world.expect(succeeded(last));
}

#[test]
fn a_token_that_says_yes_and_moves_nothing_pays_no_charge() {
    let world = paying_world();
    world.token.set_mood(Mood::LIES);
    let lied = world.paying(1, world.first, 300, 300);
    world.forwarder.execute_batch([lied].span());
    world.expect(failed(lied, Refusals::UNDERPAID));
    assert_eq!(balances(world), (1_000, 1_000, 5_000));
}

#[test]
fn a_token_that_keeps_a_part_pays_no_full_charge() {
    let world = paying_world();
    world.token.set_mood(Mood::TAKES_FEE);
    let taxed = world.paying(1, world.first, 300, 300);
    world.forwarder.execute_batch([taxed].span());
    world.expect(failed(taxed, Refusals::UNDERPAID));
}

#[test]
fn a_token_cannot_collect_the_fees_inside_an_operation() {
    let world = paying_world();
    let arguments = [world.token.contract_address.into()].span();
    world.token.reenter_with(selector!("collect"), arguments);
    let refunded = paying_by_mint(world, 1, 300, 100);
    world.forwarder.execute_batch([refunded].span());
    world.expect(failed(refunded, Errors::REENTRANT_CALL));
}

#[test]
fn a_token_cannot_send_a_batch_inside_an_operation() {
    let world = paying_world();
    let mut batch = array![];
    [idle('inner', world.second)].span().serialize(ref batch);
    world.token.reenter_with(selector!("execute_batch"), batch.span());
    let refunded = paying_by_mint(world, 1, 300, 100);
    world.forwarder.execute_batch([refunded].span());
    world.expect(failed(refunded, RelayerErrors::ONLY_RELAYER));
    assert_eq!(world.second.history(), 0);
}

#[test]
fn a_token_cannot_start_a_paid_operation_inside_another() {
    let world = paying_world();
    let mut arguments = array![];
    let charge = Charge { token: world.token.contract_address, amount: 0 };
    let account = world.second.contract_address;
    let balance: Option<u256> = Option::Some(0);
    (account, OutsideVersion::V2, charge, balance, doing(array![], array![]))
        .serialize(ref arguments);
    world.token.reenter_with(selector!("execute_charged"), arguments.span());
    let refunded = paying_by_mint(world, 1, 300, 100);
    world.forwarder.execute_batch([refunded].span());
    world.expect(failed(refunded, Errors::ONLY_FORWARDER));
    assert_eq!(world.second.history(), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn nobody_but_the_forwarder_runs_a_paid_operation_alone() {
    let world = paying_world();
    let Operation { account, version, charge, calldata, .. } = world
        .paying(1, world.first, 300, 100);
    act_as(stranger());
    let outcome = IChargedSafeDispatcher { contract_address: world.address }
        .execute_charged(account, version, charge.unwrap(), Option::Some(0), calldata);
    assert_refused(outcome, Errors::ONLY_FORWARDER);
    assert_eq!(balances(world), (1_000, 1_000, 5_000));
}
