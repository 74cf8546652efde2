use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Device, TokenError,
    key_set::{KeySet, Token},
};
use ciro_api::{DeviceId, SponsorId, limits};

const ISSUER: &str = "the-gateway";
const NOW: i64 = 1_800_000_000;
const DEVICE: Device =
    Device { id: DeviceId(Uuid::from_u128(7)), sponsor: SponsorId(Uuid::from_u128(8)) };

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn x(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes())
}

fn listed(id: &str, key: &SigningKey) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id, "x": x(key) })
}

fn set(keys: &[Value]) -> Result<KeySet, String> {
    let body = json!({ "keys": keys }).to_string();
    KeySet::parse(body.as_bytes()).map_err(|error| error.to_string())
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "ciro", "sub": DEVICE.id, "role": "device", "sponsor": DEVICE.sponsor,
        "iat": NOW, "exp": NOW + 900,
    })
}

fn signed(key: &SigningKey, id: &str, claims: &Value) -> String {
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(id.to_owned());
    encode(&header, claims, &EncodingKey::from_ed_pem(pem.as_bytes()).unwrap()).unwrap()
}

fn check(set: &KeySet, text: &str, now: i64) -> Result<Device, TokenError> {
    set.check(&Token::read(text)?, ISSUER, now)
}

#[test]
fn a_token_counts_from_the_moment_it_is_made_to_the_second_it_ends_remembered_or_not() {
    let set = set(&[listed("a", &key(1))]).unwrap();
    let token = signed(&key(1), "a", &claims());
    for _ in 0..2 {
        assert_eq!(check(&set, &token, NOW), Ok(DEVICE));
        assert_eq!(check(&set, &token, NOW + 899), Ok(DEVICE));
        assert_eq!(check(&set, &token, NOW + 900), Err(TokenError::Over));
    }
    // The gateway's clock may be ahead, and no more than that.
    let skew = i64::try_from(limits::CLOCK_SKEW_S).unwrap();
    assert_eq!(check(&set, &token, NOW - skew), Ok(DEVICE));
    assert_eq!(check(&set, &token, NOW - skew - 1), Err(TokenError::Foreign));
    assert_eq!(check(&set, &token, -1), Err(TokenError::Over));
}

#[test]
fn a_claim_that_is_not_as_ours_are_makes_a_token_foreign() {
    let set = set(&[listed("a", &key(1))]).unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        check(&set, &signed(&key(1), "a", &claims), NOW)
    };
    for (name, value) in [
        ("iss", json!("another")),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", Value::Null),
        ("aud", json!([])),
        ("sub", json!("dev_1")),
        ("sub", json!(DEVICE.sponsor)),
        ("sub", Value::Null),
        ("sponsor", Value::Null),
        ("sponsor", json!("spn_1")),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(NOW + 3_600)),
        ("role", Value::Null),
    ] {
        assert_eq!(with(name, value.clone()), Err(TokenError::Foreign), "{name}: {value}");
    }
    assert_eq!(with("exp", json!(NOW - 1)), Err(TokenError::Over));
    for role in ["worker", "sponsor", "", "Device"] {
        assert_eq!(with("role", json!(role)), Err(TokenError::NotADevice), "{role}");
    }
}

#[test]
fn a_token_is_signed_by_the_key_that_it_names_and_chooses_no_weaker_way() {
    let keys = [listed("a", &key(1)), listed("b", &key(2))];
    let set = set(&keys).unwrap();
    assert_eq!(check(&set, &signed(&key(2), "b", &claims()), NOW), Ok(DEVICE));
    for (name, token) in [
        ("another key of ours", signed(&key(1), "b", &claims())),
        ("a stranger's key under our name", signed(&key(3), "a", &claims())),
        ("an unknown name", signed(&key(1), "c", &claims())),
    ] {
        assert_eq!(check(&set, &token, NOW), Err(TokenError::Foreign), "{name}");
    }
    // The public key is everybody's, and no secret.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("a".to_owned());
    for secret in [x(&key(1)).into_bytes(), key(1).verifying_key().to_bytes().to_vec()] {
        let token = encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(check(&set, &token, NOW), Err(TokenError::Foreign), "HS256");
    }
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let good = signed(&key(1), "a", &claims());
    let (_, rest) = good.split_once('.').unwrap();
    for header in
        [json!({ "alg": "none", "kid": "a" }), json!({ "alg": "EdDSA" }), json!({ "kid": "a" })]
    {
        let unsigned = format!("{}.{}.", part(header.clone()), part(claims()));
        assert_eq!(check(&set, &unsigned, NOW), Err(TokenError::Foreign), "{header}");
        let other_header = format!("{}.{rest}", part(header.clone()));
        assert_eq!(check(&set, &other_header, NOW), Err(TokenError::Foreign), "{header}");
    }
    let (start, signature) = good.rsplit_once('.').unwrap();
    let (first, others) = signature.split_at(1);
    let changed = format!("{start}.{}{others}", if first == "A" { "B" } else { "A" });
    assert_eq!(check(&set, &changed, NOW), Err(TokenError::Foreign), "a changed signature");
    assert_eq!(check(&set, &format!("{good}{}", "A".repeat(2_048)), NOW), Err(TokenError::Foreign));
    assert_eq!(check(&set, "", NOW), Err(TokenError::Foreign));
    assert_eq!(check(&set, &good, NOW), Ok(DEVICE));
}

#[test]
fn a_set_has_one_to_four_keys_of_our_kind_and_others_are_passed_over() {
    let many = |count: u8| -> Vec<Value> {
        (0..count).map(|seed| listed(&seed.to_string(), &key(seed))).collect()
    };
    assert!(set(&many(4)).is_ok());
    assert_eq!(set(&many(5)).unwrap_err(), "it has 5 keys; 1 to 4 are taken");
    assert_eq!(set(&[]).unwrap_err(), "it has 0 keys; 1 to 4 are taken");
    let mut others = vec![
        json!({ "kty": "EC", "crv": "P-256", "kid": "e", "x": "", "y": "" }),
        json!({ "kty": "OKP", "crv": "X25519", "kid": "f", "x": x(&key(1)) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x(&key(1)) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "enc", "kid": "g", "x": x(&key(1)) }),
    ];
    assert!(set(&others).is_err(), "nothing is left");
    others.push(listed("a", &key(1)));
    let found = set(&others).unwrap();
    assert_eq!(found.ids().collect::<Vec<_>>(), ["a"]);
    assert!(found.is_same(&set(&[listed("a", &key(1))]).unwrap()));
    assert!(!found.is_same(&set(&[listed("a", &key(2))]).unwrap()));
    for x in ["", "AAAA", "not base64!"] {
        let mut broken = listed("a", &key(1));
        broken["x"] = json!(x);
        assert_eq!(set(&[broken]).unwrap_err(), "its key a is no Ed25519 key", "{x}");
    }
    for body in ["", "[]", "{}", r#"{"keys": 1}"#, r#"{"keys": [1]}"#] {
        assert!(KeySet::parse(body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn wild_tokens_and_sets_are_refused_and_never_panic(
        text in ".{0,200}", parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..200), header in "[a-zA-Z0-9\":,{} ]{0,60}",
    ) {
        let set = set(&[listed("a", &key(1))]).unwrap();
        let dotted: Vec<String> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        let header = URL_SAFE_NO_PAD.encode(header);
        let named = URL_SAFE_NO_PAD.encode(json!({ "alg": "EdDSA", "kid": "a" }).to_string());
        let rest = dotted.join(".");
        for token in [text, rest.clone(), format!("{header}.{rest}"), format!("{named}.{rest}")] {
            prop_assert_eq!(check(&set, &token, NOW), Err(TokenError::Foreign), "{}", token);
        }
        prop_assert!(KeySet::parse(&body).is_err());
    }
}
