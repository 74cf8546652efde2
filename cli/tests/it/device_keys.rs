//! Devices with every kind of key that may claim, and keys that may not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{
    Address, DeviceId, ErrorCode, Felt, PublicKey, Scheme, Signature,
    felt::Digest,
    hash::{
        commitment::commit,
        device::{DeviceClaim, DeviceLogin},
        sign,
        snip12::TypedStruct,
        worker_login::WorkerLogin,
    },
    rest::{
        devices::{
            ClaimAnswer, ClaimProof, ClaimRequest, Device, DeviceChallengeRequest,
            DeviceSessionRequest, PublicJwk, Token,
        },
        workers::{Challenge, SessionRequest},
    },
};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey, pkcs8::spki::der::pem::LineEnding};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::net::{Net, refused, succeed};

const SECRET: Felt = Felt::from_hex_unchecked("0x5ec");
const ACCOUNT: Address = Address(Felt::from_hex_unchecked("0xacc"));

fn ed25519(seed: u8) -> (SigningKey, EncodingKey, PublicJwk) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes());
    let jwk = PublicJwk::Okp { crv: "Ed25519".to_owned(), x };
    (key, EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(), jwk)
}

/// A proof as the documentation has it, for this serial.
fn proof(net: &Net, serial: &str, header: &Header, key: &EncodingKey) -> ClaimProof {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claim = hex::encode(Sha256::digest(net.dev.network.claim_token.as_bytes()));
    let claims = json!({
        "sub": serial, "aud": net.dev.network.issuer, "iat": now, "exp": now + 60, "claim": claim
    });
    ClaimProof::Jwt(encode(header, &claims, key).unwrap())
}

fn claim(net: &Net, serial: &str, key: &PublicJwk, proof: ClaimProof) -> reqwest::RequestBuilder {
    net.gateway.post("/v1/devices/claim").json(&ClaimRequest {
        claim_token: net.dev.network.claim_token.clone(),
        serial: serial.parse().unwrap(),
        public_key: key.clone(),
        proof,
    })
}

fn assertion(net: &Net, device: DeviceId, header: &Header, key: &EncodingKey) -> String {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = json!({
        "iss": device, "sub": device, "aud": net.dev.network.issuer, "iat": now, "exp": now + 60,
        "jti": Uuid::new_v4()
    });
    encode(header, &claims, key).unwrap()
}

fn trade(net: &Net, assertion: &str) -> reqwest::RequestBuilder {
    net.gateway.post("/v1/devices/token").form(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion),
    ])
}

#[tokio::test]
async fn a_device_with_an_ed25519_key_claims_and_works() {
    let net = Net::start().await;
    let eddsa = Header::new(Algorithm::EdDSA);
    let (_, key, jwk) = ed25519(7);
    let device: Device = succeed(claim(&net, "ed", &jwk, proof(&net, "ed", &eddsa, &key))).await;
    let again: Device = succeed(claim(&net, "ed", &jwk, proof(&net, "ed", &eddsa, &key))).await;
    assert_eq!(again.id, device.id);
    let signed = assertion(&net, device.id, &eddsa, &key);
    let token: Token = succeed(trade(&net, &signed)).await;
    net.works_for(&token.access_token).await;
    assert_eq!(refused(trade(&net, &signed)).await, ErrorCode::InvalidAssertion, "it was used");

    // Another key, and another algorithm under the public key as a shared secret.
    let (_, other, other_jwk) = ed25519(8);
    let by_other = assertion(&net, device.id, &eddsa, &other);
    assert_eq!(refused(trade(&net, &by_other)).await, ErrorCode::InvalidAssertion);
    let PublicJwk::Okp { x, .. } = &jwk else { panic!("made above") };
    let shared = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(x).unwrap());
    let confused = assertion(&net, device.id, &Header::new(Algorithm::HS256), &shared);
    assert_eq!(refused(trade(&net, &confused)).await, ErrorCode::InvalidAssertion);
    assert_eq!(
        refused(claim(&net, "ed", &other_jwk, proof(&net, "ed", &eddsa, &other))).await,
        ErrorCode::DeviceConflict
    );
    net.stop().await;
}

#[tokio::test]
async fn keys_that_prove_nothing_are_refused() {
    let net = Net::start().await;
    let eddsa = Header::new(Algorithm::EdDSA);
    let (_, key, jwk) = ed25519(7);
    let okp = |crv: &str, bytes: [u8; 32]| PublicJwk::Okp {
        crv: crv.to_owned(),
        x: URL_SAFE_NO_PAD.encode(bytes),
    };
    // The neutral element: under it, one signature is good for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let not_a_point = (0..=u8::MAX)
        .map(|byte| [byte; 32])
        .find(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).is_err())
        .unwrap();
    let p256 = PublicJwk::Ec { crv: "secp256k1".to_owned(), x: String::new(), y: String::new() };
    let stark = PublicJwk::Stark { x: sign::public_key(&SECRET), account: ACCOUNT };
    for bad in
        [okp("Ed25519", neutral), okp("Ed25519", not_a_point), okp("X25519", [9; 32]), p256, stark]
    {
        let jwt = proof(&net, "s", &eddsa, &key);
        assert_eq!(
            refused(claim(&net, "s", &bad, jwt)).await,
            ErrorCode::InvalidRequest,
            "{bad:?}"
        );
    }
    let answer = ClaimAnswer {
        challenge: Digest(Felt::ONE),
        signature: Signature { r: Digest(Felt::ONE), s: Digest(Felt::ONE) },
    };
    let answered = claim(&net, "s", &jwk, ClaimProof::Answer(answer));
    assert_eq!(refused(answered).await, ErrorCode::InvalidRequest, "this key signs JWTs");
    assert_eq!(net.sql("SELECT count(*)::text FROM device WHERE serial = 's'").await, "0");
    net.stop().await;
}

/// What a device with a Stark key knows of the network.
struct Stark<'a> {
    net: &'a Net,
    key: PublicKey,
}

impl Stark<'_> {
    async fn challenge(&self) -> Challenge {
        let ask = DeviceChallengeRequest { key: self.key };
        succeed(self.net.gateway.post("/v1/devices/challenge").json(&ask)).await
    }

    fn claim(&self, given: Challenge, signed_serial: &str) -> ClaimProof {
        let token = &self.net.dev.network.claim_token;
        let claim = DeviceClaim {
            serial: signed_serial,
            claim: commit(Scheme::Sha256, token.as_bytes()),
            challenge: given.challenge,
            contract: given.contract,
        };
        let message = claim.message_hash(given.chain_id, ACCOUNT);
        let signature = sign::sign(&SECRET, &message).unwrap();
        ClaimProof::Answer(ClaimAnswer { challenge: given.challenge, signature })
    }

    fn log_in(&self, device: DeviceId, given: Challenge) -> reqwest::RequestBuilder {
        let login = DeviceLogin { device, challenge: given.challenge, contract: given.contract };
        let message = login.message_hash(given.chain_id, ACCOUNT);
        let signature = sign::sign(&SECRET, &message).unwrap();
        let answer = DeviceSessionRequest { device, challenge: given.challenge, signature };
        self.net.gateway.post("/v1/devices/session").json(&answer)
    }
}

#[tokio::test]
async fn a_device_with_a_stark_key_answers_challenges_and_works() {
    let net = Net::start().await;
    let key = sign::public_key(&SECRET);
    let stark = Stark { net: &net, key };
    let jwk = PublicJwk::Stark { x: key, account: ACCOUNT };

    // Over another serial, for another account, for another key's challenge: nothing of it claims.
    let given = stark.challenge().await;
    let swapped = claim(&net, "stark", &jwk, stark.claim(given, "another"));
    assert_eq!(refused(swapped).await, ErrorCode::WrongSignature);
    let elsewhere = PublicJwk::Stark { x: key, account: Address(Felt::TWO) };
    let moved = claim(&net, "stark", &elsewhere, stark.claim(given, "stark"));
    assert_eq!(refused(moved).await, ErrorCode::WrongSignature);
    let other = Stark { net: &net, key: sign::public_key(&Felt::THREE) }.challenge().await;
    let foreign = claim(&net, "stark", &jwk, stark.claim(other, "stark"));
    assert_eq!(refused(foreign).await, ErrorCode::ChallengeUnknown);

    let device: Device = succeed(claim(&net, "stark", &jwk, stark.claim(given, "stark"))).await;
    let again: Device = succeed(claim(&net, "stark", &jwk, stark.claim(given, "stark"))).await;
    assert_eq!(again.id, device.id);

    let given = stark.challenge().await;
    let token: Token = succeed(stark.log_in(device.id, given)).await;
    net.works_for(&token.access_token).await;
    assert_eq!(refused(stark.log_in(device.id, given)).await, ErrorCode::ChallengeUnknown, "used");
    let for_other = refused(stark.log_in(DeviceId(Uuid::now_v7()), stark.challenge().await)).await;
    assert_eq!(for_other, ErrorCode::InvalidAssertion);
    let by_jwt = stark_jwt(&net, device.id);
    assert_eq!(refused(trade(&net, &by_jwt)).await, ErrorCode::InvalidAssertion);
    assert_eq!(refused(stark.log_in(net.device.id, given)).await, ErrorCode::InvalidAssertion);
    net.stop().await;
}

/// Signed with whatever: a device with a Stark key has no JWTs.
fn stark_jwt(net: &Net, device: DeviceId) -> String {
    assertion(net, device, &Header::new(Algorithm::EdDSA), &ed25519(7).1)
}

#[tokio::test]
async fn a_device_s_challenge_is_worth_nothing_to_a_worker() {
    let net = Net::start().await;
    let worker = net.dev.network.worker;
    // The worker's address taken for a key: the marks of the two kinds differ.
    let ask = DeviceChallengeRequest { key: PublicKey(worker.0) };
    let given: Challenge = succeed(net.gateway.post("/v1/devices/challenge").json(&ask)).await;
    let key = std::fs::read_to_string(net.room.path().join("network/worker.key")).unwrap();
    let login = WorkerLogin { worker, challenge: given.challenge, contract: given.contract };
    let message = login.message_hash(given.chain_id, worker);
    let signature = sign::sign(&Felt::from_hex(key.trim()).unwrap(), &message).unwrap();
    let answer = SessionRequest { worker, challenge: given.challenge, signature };
    let session = net.gateway.post("/v1/workers/session").json(&answer);
    assert_eq!(refused(session).await, ErrorCode::ChallengeUnknown);
    net.stop().await;
}
