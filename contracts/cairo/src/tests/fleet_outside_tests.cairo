//! Outside execution: who may send what the owner has signed, when, and how often.

use crate::components::bitmap_nonces::BitmapNoncesComponent::Errors as NonceErrors;
use crate::fleet_account::FleetAccount::{Errors, Refusals};
use crate::interfaces::fleet_account::{
    IDevicesDispatcherTrait, INoncesDispatcherTrait, INoncesSafeDispatcher,
    INoncesSafeDispatcherTrait, IOutsideExecutionDispatcherTrait
};
use crate::types::outside_execution::OutsideExecution;
use starknet::account::Call;
use starknet::contract_address_const;
use super::fleet_world::{
    Fleet, FleetTrait, OWNER_NONCE, STRANGER_SECRET, TWO_POW_64, execution, fleet_world, sensor
};
use super::jobs_world::{FIRST, PRICE};
use super::signer::sign;
use super::world::{START, WorldTrait, act_as, assert_refused, at, stranger};

fn by_anyone(execution: OutsideExecution) -> OutsideExecution {
    OutsideExecution { caller: contract_address_const::<'ANY_CALLER'>(), ..execution }
}

fn job(fleet: Fleet) -> OutsideExecution {
    execution(OWNER_NONCE, array![fleet.job_at(PRICE)])
}

/// A call of the account to itself that carries another outside execution.
fn nested(fleet: Fleet, inner: OutsideExecution, signature: Span<felt252>) -> Call {
    let mut calldata = array![];
    (inner, signature).serialize(ref calldata);
    Call {
        to: fleet.address, selector: selector!("execute_from_outside_v2"), calldata: calldata.span()
    }
}

#[test]
fn the_owner_makes_any_calls_and_gets_their_results() {
    let fleet = fleet_world();
    let revoke = Call {
        to: fleet.address, selector: selector!("revoke"), calldata: ['device'].span()
    };
    let execution = execution(OWNER_NONCE, array![revoke, fleet.job_at(PRICE)]);
    let signature = fleet.owner_signature(execution);
    let results = fleet.outside.execute_from_outside_v2(execution, signature);
    assert_eq!(results, array![[].span(), [FIRST].span()]);
    assert!(fleet.devices.is_revoked('device'));
    assert_eq!(fleet.world.balance_of(fleet.address), (4 * PRICE).into());
    assert!(!fleet.nonces.is_valid_outside_execution_nonce(OWNER_NONCE));
}

#[test]
fn the_policy_does_not_bind_the_owner() {
    let fleet = fleet_world();
    let dear = execution(OWNER_NONCE, array![fleet.job_at(5 * PRICE)]);
    fleet.outside.execute_from_outside_v2(dear, fleet.owner_signature(dear));
    assert_eq!(fleet.world.balance_of(fleet.address), 0);
    fleet.expect_silence();
}

#[test]
fn only_the_named_caller_sends_it() {
    let fleet = fleet_world();
    act_as(stranger());
    let outcome = fleet.try_as_owner(job(fleet));
    fleet.assert_unused(OWNER_NONCE, outcome, Errors::OTHER_CALLER);
}

#[test]
fn anyone_sends_what_anyone_may_send() {
    let fleet = fleet_world();
    act_as(stranger());
    assert!(fleet.try_as_owner(by_anyone(job(fleet))).is_ok());
    assert_eq!(fleet.world.balance_of(fleet.address), (4 * PRICE).into());
}

#[test]
fn it_is_executed_later_and_earlier_than_the_times_and_not_at_them() {
    let fleet = fleet_world();
    let execution = OutsideExecution { execute_before: START + 10, ..job(fleet) };
    for early in array![
        0, START - 1
    ] {
        at(early);
        let outcome = fleet.try_as_owner(execution);
        fleet.assert_unused(OWNER_NONCE, outcome, Errors::TOO_EARLY);
    };
    for late in array![
        START + 10, START + 11
    ] {
        at(late);
        fleet.assert_unused(OWNER_NONCE, fleet.try_as_owner(execution), Errors::TOO_LATE);
    };
    at(START + 9);
    assert!(fleet.try_as_owner(execution).is_ok());
}

#[test]
fn the_owner_uses_a_nonce_once() {
    let fleet = fleet_world();
    let once = execution(OWNER_NONCE, array![]);
    assert!(fleet.try_as_owner(once).is_ok());
    fleet.assert_untouched(fleet.try_as_owner(job(fleet)), NonceErrors::NONCE_USED);
}

#[test]
fn the_owner_uses_no_nonce_of_a_device() {
    let fleet = fleet_world();
    for nonce in array![
        0, TWO_POW_64, OWNER_NONCE - 1
    ] {
        let outcome = fleet.try_as_owner(execution(nonce, array![fleet.job_at(PRICE)]));
        fleet.assert_unused(nonce, outcome, Errors::NONCE_OF_A_DEVICE);
    };
}

#[test]
fn the_random_nonces_of_wallets_are_the_owners() {
    let fleet = fleet_world();
    let high = 0x100000000000000000000000000000000;
    for nonce in array![
        OWNER_NONCE, OWNER_NONCE + 127, high - 1, high, high + 1, 7 * high + 130, -1, -2
    ] {
        assert!(fleet.nonces.is_valid_outside_execution_nonce(nonce));
        assert!(fleet.try_as_owner(execution(nonce, array![])).is_ok());
        assert!(!fleet.nonces.is_valid_outside_execution_nonce(nonce));
    };
    assert_eq!(fleet.nonces.used_nonces(0x100000000, 0), 1 + 0x80000000000000000000000000000000);
    assert_eq!(fleet.nonces.used_nonces(7 * TWO_POW_64, 1), 4);
}

#[test]
#[feature("safe_dispatcher")]
fn a_word_that_no_index_has_is_refused() {
    let fleet = fleet_world();
    let nonces = INoncesSafeDispatcher { contract_address: fleet.address };
    let last = 0x1ffffffffffffff;
    assert_eq!(fleet.nonces.used_nonces(0, last), 0);
    assert_refused(nonces.used_nonces(0, last + 1), NonceErrors::NO_SUCH_WORD);
}

#[test]
fn what_somebody_else_has_signed_is_refused() {
    let fleet = fleet_world();
    let execution = job(fleet);
    let (r, s) = sign(fleet.message(execution), STRANGER_SECRET);
    let outcome = fleet.attempt(execution, [r, s].span());
    fleet.assert_unused(OWNER_NONCE, outcome, Errors::NOT_OWNER);
    let outcome = fleet.attempt(execution, [].span());
    fleet.assert_unused(OWNER_NONCE, outcome, Refusals::MALFORMED_SIGNATURE);
}

#[test]
fn what_the_owner_has_signed_is_bound_to_every_field() {
    let fleet = fleet_world();
    let signed = job(fleet);
    let signature = fleet.owner_signature(signed);
    let others = array![
        by_anyone(signed),
        OutsideExecution { nonce: signed.nonce + 1, ..signed },
        OutsideExecution { execute_after: signed.execute_after - 1, ..signed },
        OutsideExecution { execute_before: signed.execute_before - 1, ..signed },
        OutsideExecution { calls: [].span(), ..signed },
        execution(OWNER_NONCE, array![fleet.job_at(PRICE + 1)]),
    ];
    for other in others {
        fleet.assert_unused(other.nonce, fleet.attempt(other, signature), Errors::NOT_OWNER);
    };
}

#[test]
fn an_outside_execution_inside_another_is_refused() {
    let fleet = fleet_world();
    let inner = by_anyone(execution(OWNER_NONCE + 1, array![fleet.job_at(PRICE)]));
    let call = nested(fleet, inner, fleet.owner_signature(inner));
    let outcome = fleet.try_as_owner(execution(OWNER_NONCE, array![call]));
    fleet.assert_unused(OWNER_NONCE + 1, outcome, Errors::REENTRANT_CALL);
}

#[test]
fn a_device_inside_an_outside_execution_is_refused() {
    let fleet = fleet_world();
    let inner = by_anyone(execution(0, array![fleet.job_at(PRICE)]));
    let call = nested(fleet, inner, fleet.signature(sensor(), inner));
    let outcome = fleet.try_as_owner(execution(OWNER_NONCE, array![call]));
    fleet.assert_unused(0, outcome, Errors::REENTRANT_CALL);
}

#[test]
fn one_outside_execution_follows_another() {
    let fleet = fleet_world();
    for number in 0
        ..3_u32 {
            let execution = execution(OWNER_NONCE + number.into(), array![fleet.job_at(PRICE)]);
            assert!(fleet.try_as_owner(execution).is_ok());
        };
    assert_eq!(fleet.world.balance_of(fleet.address), (2 * PRICE).into());
}

#[test]
fn a_call_that_fails_fails_the_execution() {
    let fleet = fleet_world();
    let good = fleet.job_at(PRICE);
    let bad = Call { selector: selector!("no such function"), ..good };
    assert!(fleet.try_as_owner(execution(OWNER_NONCE, array![bad])).is_err());
    assert_eq!(fleet.world.balance_of(fleet.address), (5 * PRICE).into());
}
