//! Our fleet's hashes against the committed vectors, which starknet.js computed.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail")]

use ciro_api::{
    Address, ChainId, Felt, PublicKey, Signature,
    felt::{Digest, parse_felt},
    hash::{
        fleet::{DeviceKey, DeviceNonce, FleetPath, FleetTree, P256Key, Place},
        outside_execution::{OutsideCall, OutsideExecution},
        sign,
    },
};
use serde_json::Value;
use starknet_rust_core::utils::starknet_keccak;

const SEPOLIA: ChainId = ChainId(Felt::from_hex_unchecked("0x534e5f5345504f4c4941"));

fn vectors() -> Value {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let path = format!("{here}/../contracts/vectors/fleet.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn felt(value: &Value) -> Felt {
    parse_felt(value.as_str().unwrap()).unwrap()
}

fn felts(value: &Value) -> Vec<Felt> {
    list(value).iter().map(felt).collect()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn joined(low: Felt, high: Felt) -> [u8; 32] {
    let half = |felt: Felt| felt.to_bytes_be()[16..].to_vec();
    [half(high), half(low)].concat().try_into().unwrap()
}

fn key(device: &Value) -> DeviceKey {
    match felts(&device["key"])[..] {
        [x] => DeviceKey::Stark(PublicKey(x)),
        [x_low, x_high, y_low, y_high] => {
            DeviceKey::P256(P256Key { x: joined(x_low, x_high), y: joined(y_low, y_high) })
        }
        _ => panic!("{device} is no key"),
    }
}

fn call(value: &Value) -> OutsideCall {
    OutsideCall {
        to: Address(felt(&value["To"])),
        selector: starknet_keccak(value["Selector"].as_str().unwrap().as_bytes()),
        calldata: felts(&value["Calldata"]),
    }
}

fn seconds(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

fn execution(value: &Value) -> OutsideExecution {
    OutsideExecution {
        caller: Address(felt(&value["Caller"])),
        nonce: felt(&value["Nonce"]),
        execute_after: seconds(&value["Execute After"]),
        execute_before: seconds(&value["Execute Before"]),
        calls: list(&value["Calls"]).iter().map(call).collect(),
    }
}

#[test]
fn devices_have_the_leaves_of_the_vectors() {
    for device in list(&vectors()["devices"]) {
        let key = key(device);
        assert_eq!(key.kind(), Felt::from(number(&device["kind"])));
        assert_eq!(key.felts(), felts(&device["key"]));
        assert_eq!(key.leaf().0, felt(&device["leaf"]));
        if let DeviceKey::Stark(public) = key {
            assert_eq!(sign::public_key(&felt(&device["secret"])), public);
        }
    }
}

#[test]
fn trees_have_the_roots_and_paths_of_the_vectors() {
    let all = vectors();
    let devices: Vec<DeviceKey> = list(&all["devices"]).iter().map(key).collect();
    for tree in list(&all["trees"]) {
        let count = usize::try_from(number(&tree["count"])).unwrap();
        let built = FleetTree::build(&devices[..count], number(&tree["depth"])).unwrap();
        assert_eq!(built.root().0, felt(&tree["root"]));
        for case in list(&tree["paths"]) {
            let place = Place(number(&case["index"]));
            let siblings = felts(&case["path"]).into_iter().map(Digest).collect();
            assert_eq!(built.path(place), Some(FleetPath { place, siblings }));
        }
    }
}

#[test]
fn nonces_have_the_words_and_bits_of_the_vectors() {
    for case in list(&vectors()["nonces"]) {
        let counter = u64::try_from(felt(&case["counter"])).unwrap();
        let nonce = DeviceNonce { place: Place(number(&case["index"])), counter };
        assert_eq!(nonce.to_felt(), felt(&case["nonce"]));
        assert_eq!(Felt::from(nonce.mask()), felt(&case["mask"]));
        let words = Felt::from(u128::from(nonce.place.0) << 57) + Felt::from(nonce.word());
        assert_eq!(words, felt(&case["word"]));
    }
}

#[test]
fn executions_hash_as_in_the_vectors_and_a_stark_device_has_signed_them() {
    let all = vectors();
    let DeviceKey::Stark(signer) = key(&all["devices"][0]) else { panic!("not a Stark key") };
    for case in list(&all["executions"]) {
        let hash = execution(case).message_hash_v2(SEPOLIA, Address(felt(&all["account"])));
        assert_eq!(hash, felt(&case["message_hash"]));
        let [r, s] = felts(&case["stark"])[..] else { panic!("not a Stark signature") };
        assert!(sign::verify(signer, &hash, &Signature { r: Digest(r), s: Digest(s) }));
    }
}
