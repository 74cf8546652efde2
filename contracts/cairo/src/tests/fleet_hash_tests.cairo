//! A fleet's hashes, nonces and signatures against the vectors, which none of our code computed.

use crate::hashes::es256::is_valid_es256;
use crate::hashes::fleet::{OWNER_KEY_TYPE_HASH, leaf, owner_key_hash, root};
use crate::hashes::outside_execution::{
    CALL_TYPE_HASH, OUTSIDE_EXECUTION_TYPE_HASH, outside_execution_message_hash
};
use crate::hashes::signature::is_valid_signature;
use crate::hashes::snip12::message_hash;
use crate::types::fleet_nonce::{OWNER_NONCE_MIN, NonceBit, bit, device_index};
use crate::types::session_policy::{AMOUNT_LIMIT, SpendingPolicy};
use starknet::storage_access::StorePacking;
use super::vectors;

fn assert_packs(price_max: u128, per_day_max: u128) {
    for any_model in array![
        true, false
    ] {
        let policy = SpendingPolicy { price_max, per_day_max, any_model };
        let packed: felt252 = StorePacking::pack(policy);
        assert_eq!(StorePacking::unpack(packed), policy);
    };
}

#[test]
fn leaves_match_the_vectors() {
    for (
        kind, key, expected
    ) in vectors::fleet_devices() {
        assert_eq!(leaf(kind, key), expected);
        assert_ne!(leaf(kind + 1, key), expected);
    };
}

#[test]
fn paths_lead_to_the_root_and_from_another_place_elsewhere_or_nowhere() {
    for case in vectors::fleet_paths() {
        let vectors::FleetPath { leaf, index, path, root: expected } = case;
        assert_eq!(root(leaf, index, path), Option::Some(expected));
        assert_ne!(root(leaf + 1, index, path), Option::Some(expected));
        assert_ne!(root(leaf, index + 1, path), Option::Some(expected));
        if path.len() == 32 {
            assert!(root(leaf, 0xffffffff, path).is_some());
        } else {
            assert_eq!(root(leaf, 0xffffffff, path), Option::None);
        }
    };
}

#[test]
fn nonces_have_the_places_words_and_bits_of_the_vectors() {
    for (
        index, nonce, word, mask
    ) in vectors::fleet_nonces() {
        assert_eq!(device_index(nonce), Option::Some(index));
        assert_eq!(bit(nonce), NonceBit { word, mask });
    };
}

#[test]
fn every_bit_of_a_word_is_a_power_of_two() {
    let mut expected = 1;
    for nonce in 0
        ..128_u32 {
            assert_eq!(bit(nonce.into()), NonceBit { word: 0, mask: expected });
            if nonce != 127 {
                expected *= 2;
            }
        };
    assert_eq!(bit(128), NonceBit { word: 1, mask: 1 });
}

#[test]
fn nonces_above_those_of_the_last_place_are_no_devices() {
    assert_eq!(device_index(OWNER_NONCE_MIN - 1), Option::Some(0xffffffff));
    for nonce in array![
        OWNER_NONCE_MIN, 0xffffffffffffffffffffffffffffffff, -1
    ] {
        assert_eq!(device_index(nonce), Option::None);
    };
}

#[test]
fn outside_executions_hash_as_in_the_vectors_and_devices_have_signed_them() {
    let devices = vectors::fleet_devices();
    let (_, stark, _) = *devices[0];
    let (_, p256, _) = *devices[1];
    let account = vectors::FLEET.try_into().unwrap();
    for case in vectors::fleet_executions() {
        let vectors::FleetExecution { execution, message_hash, stark: by_stark, es256 } = case;
        let message = outside_execution_message_hash(execution, vectors::CHAIN_ID, account);
        assert_eq!(message, message_hash);
        assert!(is_valid_signature(message, *stark[0], *by_stark[0], *by_stark[1]));
        assert!(is_valid_es256(message, p256, es256));
        assert!(!is_valid_es256(message + 1, p256, es256));
    };
}

#[test]
fn no_p256_key_is_no_signer_and_never_panics() {
    let (_, key, _) = *vectors::fleet_devices()[1];
    let vectors::FleetExecution { message_hash, es256, .. } = *vectors::fleet_executions()[0];
    let too_large = 0x100000000000000000000000000000000;
    let most = 0xffffffffffffffffffffffffffffffff;
    let bad_keys = array![
        [0, 0, 0, 0].span(),
        [*key[0] + 1, *key[1], *key[2], *key[3]].span(),
        [*key[0], *key[1], *key[2] + 1, *key[3]].span(),
        [too_large, *key[1], *key[2], *key[3]].span(),
        [most, most, most, most].span(),
    ];
    for bad in bad_keys {
        assert!(!is_valid_es256(message_hash, bad, es256));
    };
}

#[test]
fn type_hashes_match_other_implementations() {
    assert_eq!(CALL_TYPE_HASH, 0x3635c7f2a7ba93844c0d064e18e487f35ab90f7c39d00f186a781fc3f0c2ca9);
    assert_eq!(
        OUTSIDE_EXECUTION_TYPE_HASH,
        0x312b56c05a7965066ddbda31c016d8d05afc305071c0ca3cdc2192c3c2f1f0f
    );
}

#[test]
fn a_change_of_the_owner_key_hashes_as_in_the_vectors_and_each_key_matters() {
    let vector = vectors::fleet_owner_key();
    let (from, to) = (*vector.fields[0], *vector.fields[1]);
    assert_eq!(OWNER_KEY_TYPE_HASH, vector.type_hash);
    let hash = owner_key_hash(from, to);
    assert_eq!(hash, vector.struct_hash);
    let signer = vector.signer.try_into().unwrap();
    assert_eq!(message_hash(vectors::DOMAIN_HASH, signer, hash), vector.message_hash);
    let (other_from, first) = *vector.variations[0];
    let (other_to, second) = *vector.variations[1];
    assert_eq!(owner_key_hash(other_from, to), first);
    assert_eq!(owner_key_hash(from, other_to), second);
    assert_ne!(owner_key_hash(to, from), hash);
}

#[test]
fn amounts_of_a_policy_are_read_as_they_were_written() {
    let most = AMOUNT_LIMIT - 1;
    for amount in array![
        0, 1, 0xffffffffffffffff, most
    ] {
        assert_packs(amount, 0);
        assert_packs(0, amount);
        assert_packs(amount, most);
        assert_packs(most, amount);
    };
}
