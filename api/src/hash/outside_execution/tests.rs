//! Against values of starknet.js 10.8.0; those of the calls and the struct also follow from `OpenZeppelin`'s contracts.

use super::*;
use crate::{
    felt::{Digest, PublicKey, Signature},
    hash::sign,
};

const SEPOLIA: ChainId = ChainId(Felt::from_hex_unchecked("0x534e5f5345504f4c4941"));
const MAIN: ChainId = ChainId(Felt::from_hex_unchecked("0x534e5f4d41494e"));
const ACCOUNT: Address = Address(Felt::from_hex_unchecked(
    "0x3b278ebae434f283f9340587a7f2dd4282658ac8e03cb9b0956db23a0a83657",
));
const TRANSFER: &str = "0x83afd3f4caedc6eebf44246fe54e38c95e3179a5ec9ea81740eca5b482d12e";
const APPROVE: &str = "0x219209e083275171774dab1df80982e9df2096516f06319c5c6d71ae0a8480c";
const PUBLIC_KEY: &str = "0x20c29f1c98f3320d56f01c13372c923123c35828bce54f2153aa1cfe61c44f2";

fn felt(hex: &str) -> Felt {
    Felt::from_hex_unchecked(hex)
}

fn assert_hashes(expected: &[(Felt, &str)]) {
    for (hash, hex) in expected {
        assert_eq!(*hash, felt(hex));
    }
}

fn execution() -> OutsideExecution {
    let calldata = ["0xabc", "0x64", "0x0"].map(felt).to_vec();
    let token = "0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7";
    OutsideExecution {
        caller: Address(short_string("ANY_CALLER")),
        nonce: felt("0x15"),
        execute_after: 1,
        execute_before: 1_893_456_000,
        calls: vec![
            OutsideCall { to: Address(felt("0x678")), selector: felt(TRANSFER), calldata },
            OutsideCall { to: Address(felt(token)), selector: felt(APPROVE), calldata: Vec::new() },
        ],
    }
}

#[test]
fn the_types_of_version_1_hash_as_in_starknet_js() {
    let expected = [
        (*V1_DOMAIN, "0x1bfc207425a47a5dfa1a50a4f5241203f50624ca5fdf5e18755765416b8e288"),
        (*V1_EXECUTION, "0x11ff76fe3f640fa6f3d60bbd94a3b9d47141a2c96f87fdcfbeb2af1d03f7050"),
        (*V1_CALL, "0xf00de1fccbb286f9a020ba8821ee936b1deea42a5c485c11ccdc82c8bebb3a"),
    ];
    assert_hashes(&expected);
}

#[test]
fn the_types_of_version_2_hash_as_in_starknet_js() {
    let expected = [
        (*DOMAIN_TYPE, "0x1ff2f602e42168014d405a94f75e8a93d640751d71d16311266e140d8b0a210"),
        (*V2_EXECUTION, "0x312b56c05a7965066ddbda31c016d8d05afc305071c0ca3cdc2192c3c2f1f0f"),
        (*V2_CALL, "0x3635c7f2a7ba93844c0d064e18e487f35ab90f7c39d00f186a781fc3f0c2ca9"),
    ];
    assert_hashes(&expected);
}

#[test]
fn version_1_hashes_calls_struct_and_message_as_starknet_js_does() {
    let execution = execution();
    let expected = [
        (
            execution.calls[0].hash_v1(),
            "0x13394d2c9b3576bf89df5182fba8c863e279e8b4cb407748295e02340df13be",
        ),
        (
            execution.calls[1].hash_v1(),
            "0x39266cf5ef83d4a345d1a50634ed3b7b1d71064272a94c698dc3d10fe0911db",
        ),
        (
            execution.struct_hash_v1(),
            "0x874a933aa71181d9a230536cdf6c9c2ee1dd4643f98eaaff47ef057993de34",
        ),
        (
            domain_hash_v1(SEPOLIA),
            "0x7bd25b32628c39ed959c604984e7eacae73396f69646548696249f8a118ffca",
        ),
        (domain_hash_v1(MAIN), "0x6ac314b083f709b767428fb4dfc42b02ad5e96f5a774f6bfc73aba09a60dbd3"),
        (
            execution.message_hash_v1(SEPOLIA, ACCOUNT),
            "0x70118a49f60706cb60a2ae7ecb8ad14ec19ceb021f24d846e161ec9462e465d",
        ),
        (
            execution.message_hash_v1(MAIN, ACCOUNT),
            "0x562582219e13771f76c34934914f8c8e2a2ac936575b900a2eb8094d8c1a505",
        ),
    ];
    assert_hashes(&expected);
}

#[test]
fn version_2_hashes_calls_struct_and_message_as_starknet_js_does() {
    let execution = execution();
    let expected = [
        (
            execution.calls[0].hash_v2(),
            "0x4aec56e060ab23754b1a6a81395ccca674184f615e02d00bb6dac4fdd6f8a2e",
        ),
        (
            execution.calls[1].hash_v2(),
            "0x324b892e30cf849ad720214d2a140aa993b4a678631cfdcc8111d474c834c5e",
        ),
        (
            execution.struct_hash_v2(),
            "0x755e4bc8419f774891acff86362857ea150e277e69d4edb34776d52e029a41d",
        ),
        (
            domain_hash_v2(SEPOLIA),
            "0x2534050c42890f9cad3cf470a8b54a39c4d283a246dfceb486a8755e44a91df",
        ),
        (domain_hash_v2(MAIN), "0x9951e1d5316915dc4436acce0a48afd57bb4b6c501687c151e869ab878a2ac"),
        (
            execution.message_hash_v2(SEPOLIA, ACCOUNT),
            "0x7c1aa48f2b0f25b851024866b87303c85acddf0c9b2c29d15bf05baf176da4d",
        ),
        (
            execution.message_hash_v2(MAIN, ACCOUNT),
            "0x687719215288e4d1e776f7b71ec4c15ea4b4606824b745ab757ce63af05d8c1",
        ),
    ];
    assert_hashes(&expected);
}

#[test]
fn signatures_of_starknet_js_over_both_versions_verify() {
    let execution = execution();
    let signature = |r, s| Signature { r: Digest(felt(r)), s: Digest(felt(s)) };
    let v1 = signature(
        "0x6443adc68d17476047c5c5e7b8365270b2599d60f45d65fd43d372b09fcc1e7",
        "0x5bafafcba3a686f6b9af7a8aafd3a4bee9f8dfa5403c8d76478cb3c90f45b59",
    );
    let v2 = signature(
        "0x557f0461d9c1db9b294f8944d8aa81f4310c0f21ea8413cc89a7f3df86d8d81",
        "0x584d953fbc5ddf267a8ef058b6d411519c1263bb0a84dac3a8146a1b9c1091d",
    );
    let key = PublicKey(felt(PUBLIC_KEY));
    assert!(sign::verify(key, &execution.message_hash_v1(SEPOLIA, ACCOUNT), &v1));
    assert!(sign::verify(key, &execution.message_hash_v2(SEPOLIA, ACCOUNT), &v2));
    assert!(!sign::verify(key, &execution.message_hash_v2(MAIN, ACCOUNT), &v2));
}

#[test]
fn the_accounts_calldata_is_that_of_starknet_js() {
    let expected = [
        "0x414e595f43414c4c4552",
        "0x15",
        "0x1",
        "0x70dbd880",
        "0x2",
        "0x678",
        TRANSFER,
        "0x3",
        "0xabc",
        "0x64",
        "0x0",
        "0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7",
        APPROVE,
        "0x0",
        "0x2",
        "0x123",
        "0x456",
    ];
    assert_eq!(execution().calldata(&["0x123", "0x456"].map(felt)), expected.map(felt));
}

#[test]
fn version_3_hashes_as_the_controllers_contract_defines_it() {
    let execution = OutsideExecution { nonce: felt("0xbeef"), ..execution() };
    for (chain, hash) in [
        (SEPOLIA, "0x2b94f234a5958e5c63cac5f4f8d5ca4c991f1e49a8a923de588c0b4108d82ac"),
        (MAIN, "0x62877c5bedfe74a08eeba99a316d2c3b60404c73778a6bf7e8acff5f8384683"),
    ] {
        assert_eq!(execution.message_hash_v3(chain, ACCOUNT, 4), felt(hash));
    }
    let felts = execution.calldata_v3(4, &[]);
    assert_eq!(felts[..4], [execution.caller.0, felt("0xbeef"), felt("0x4"), Felt::ONE]);
}
