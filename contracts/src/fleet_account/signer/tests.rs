use ciro_api::hash::fleet::{FleetTree, Place};
use p256::ecdsa::signature::Verifier;

use super::*;

const FLEET: Address = Address(Felt::from_hex_unchecked("0xf1ee7"));
const CHAIN: ChainId = ChainId(Felt::from_hex_unchecked("0x534e5f5345504f4c4941"));

fn p256() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn devices() -> [Device; 2] {
    let secrets = [DeviceSecret::Stark(PrivateKey::new(Felt::from(7))), DeviceSecret::P256(p256())];
    let keys: Vec<DeviceKey> = secrets.iter().map(DeviceSecret::key).collect();
    let tree = FleetTree::build(&keys, 3).unwrap();
    let mut place = 0;
    secrets.map(|secret| {
        let path = tree.path(Place(place)).unwrap();
        place += 1;
        Device { account: FLEET, chain: CHAIN, secret, path }
    })
}

fn execution() -> OutsideExecution {
    OutsideExecution {
        caller: Address(Felt::ONE),
        nonce: Felt::TWO,
        execute_after: 1,
        execute_before: 2,
        calls: Vec::new(),
    }
}

#[test]
fn a_signature_is_laid_out_as_the_account_reads_it() {
    for (device, (key, signature)) in devices().iter().zip([(1, 2), (4, 4)]) {
        let felts = device.sign(&execution()).unwrap();
        assert_eq!(felts.len(), 2 + key + 2 + 3 + signature);
        assert_eq!(felts[0], Felt::from_bytes_be_slice(b"fleet-device"));
        assert_eq!(felts[1], device.secret.key().kind());
        assert_eq!(felts[2..2 + key], device.secret.key().felts());
        assert_eq!(felts[2 + key], Felt::from(device.path.place.0));
        assert_eq!(felts[3 + key], Felt::THREE);
        let siblings: Vec<Felt> = device.path.siblings.iter().map(|d| d.0).collect();
        assert_eq!(felts[4 + key..7 + key], siblings);
    }
}

#[test]
fn a_p256_device_signs_the_bytes_of_the_message_as_es256_does() {
    let [_, device] = devices();
    let felts = device.sign(&execution()).unwrap();
    let [r_low, r_high, s_low, s_high] = felts[felts.len() - 4..] else { panic!() };
    let bytes = [r_high, r_low, s_high, s_low].map(|felt| felt.to_bytes_be()[16..].to_vec());
    let signature = Signature::from_slice(&bytes.concat()).unwrap();
    let message = execution().message_hash_v2(CHAIN, FLEET).to_bytes_be();
    p256().verifying_key().verify(&message, &signature).unwrap();
}

#[test]
fn a_secret_is_not_printed() {
    for device in devices() {
        assert!(format!("{device:?}").contains("DeviceSecret(redacted)"));
    }
}
