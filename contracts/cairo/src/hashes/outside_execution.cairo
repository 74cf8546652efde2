//! SNIP-9 version 2: what an account signs so that somebody else may send its calls.

use core::poseidon::poseidon_hash_span;
use crate::types::outside_execution::OutsideExecution;
use starknet::ContractAddress;
use starknet::account::Call;
use super::snip12::{DOMAIN_TYPE_HASH, message_hash};

pub const CALL_TYPE_HASH: felt252 =
    selector!(
        "\"Call\"(\"To\":\"ContractAddress\",\"Selector\":\"selector\",\"Calldata\":\"felt*\")"
    );

pub const OUTSIDE_EXECUTION_TYPE_HASH: felt252 =
    selector!(
        "\"OutsideExecution\"(\"Caller\":\"ContractAddress\",\"Nonce\":\"felt\",\"Execute After\":\"u128\",\"Execute Before\":\"u128\",\"Calls\":\"Call*\")\"Call\"(\"To\":\"ContractAddress\",\"Selector\":\"selector\",\"Calldata\":\"felt*\")"
    );

/// What `account` signs on the chain with this id.
pub fn outside_execution_message_hash(
    execution: OutsideExecution, chain_id: felt252, account: ContractAddress
) -> felt252 {
    let domain = poseidon_hash_span(
        [DOMAIN_TYPE_HASH, 'Account.execute_from_outside', 2, chain_id, 1].span()
    );
    message_hash(domain, account, struct_hash(execution))
}

/// The struct hash, calls included.
pub fn struct_hash(execution: OutsideExecution) -> felt252 {
    let OutsideExecution { caller, nonce, execute_after, execute_before, calls } = execution;
    let mut hashes = array![];
    for call in calls {
        hashes.append(call_hash(*call));
    };
    poseidon_hash_span(
        [
            OUTSIDE_EXECUTION_TYPE_HASH,
            caller.into(),
            nonce,
            execute_after.into(),
            execute_before.into(),
            poseidon_hash_span(hashes.span())
        ].span()
    )
}

fn call_hash(call: Call) -> felt252 {
    let Call { to, selector, calldata } = call;
    poseidon_hash_span([CALL_TYPE_HASH, to.into(), selector, poseidon_hash_span(calldata)].span())
}
