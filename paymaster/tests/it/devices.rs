//! Devices that show who they are to the whole program: what their sponsor's policy says of them holds for each, and a token that
//! is not good is never taken for none.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciro_api::{DeviceId, Fri, SponsorId};
use ciro_contracts::Call;
use ciro_paymaster::{devices, reputation, sponsors};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    desk_world::{
        DeskWorld, Program, Settings, TO, TOKEN, USER, sponsored, transfers_allowed, wire,
    },
    gateway_keys::{Answer, Gateway, TokenKey, claims, device},
    refusals::direct,
};

const BUILD: &str = "paymaster_buildTransaction";
const CAN_SPONSOR: &str = "paymaster_canSponsor";
const EXECUTE: &str = "paymaster_executeTransaction";
const DIRECT: &str = "paymaster_executeDirectTransaction";
const OURS: TokenKey = TokenKey(1);
const DEVICE_HEADER: &str = "x-ciro-device-token";

fn transfer() -> Call {
    TOKEN.transfer(TO, Fri(5))
}

/// The parameters of a request to build a transfer.
fn wanted(world: &DeskWorld, user: usize) -> Value {
    let invoke = json!({ "user_address": world.address(user), "calls": [wire(&transfer())] });
    let transaction = json!({ "type": "invoke", "invoke": invoke });
    json!({ "transaction": transaction, "parameters": sponsored() })
}

/// Asks with the sponsor's key and with these tokens of devices.
fn request(
    program: &Program,
    tokens: &[&str],
    method: &str,
    params: &Value,
) -> reqwest::RequestBuilder {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let post = reqwest::Client::new()
        .post(&program.url)
        .header("x-paymaster-api-key", &program.key)
        .json(&body);
    tokens.iter().fold(post, |post, token| post.header(DEVICE_HEADER, *token))
}

async fn ask(program: &Program, token: &str, method: &str, params: &Value) -> Value {
    request(program, &[token], method, params).send().await.unwrap().json().await.unwrap()
}

/// The code and the reason of what must be refused.
fn refusal(reply: &Value) -> (i64, &str) {
    let error = &reply["error"];
    let code = error["code"].as_i64().unwrap_or_else(|| panic!("{reply}"));
    (code, error["data"]["reason"].as_str().unwrap_or_default())
}

/// A transfer of the user's, to be signed.
async fn built(world: &DeskWorld, program: &Program, user: usize, token: &str) -> Value {
    let reply = ask(program, token, BUILD, &wanted(world, user)).await;
    reply.get("result").unwrap_or_else(|| panic!("{reply}")).clone()
}

/// The same, signed.
async fn signed(world: &DeskWorld, program: &Program, user: usize, token: &str) -> Value {
    let built = built(world, program, user, token).await;
    Program::executable(world, user, &built, &sponsored())
}

async fn rows(world: &DeskWorld, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    world.client.query_one(&sql, &[]).await.unwrap().get(0)
}

fn with_gateway(gateway: &Gateway, mut more: Vec<(&'static str, String)>) -> Settings {
    more.extend(gateway.env());
    Settings { relayers: 2, env: more, ..Settings::default() }
}

/// Tokens that are not good, with the reason that each is refused for.
fn bad_tokens(sponsor: SponsorId) -> Vec<(&'static str, String, &'static str)> {
    let stranger = TokenKey(9);
    let good = claims(device(7), sponsor);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        OURS.sign_as(OURS, &claims)
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut hmac = Header::new(Algorithm::HS256);
    hmac.kid = Some(OURS.id());
    let by_public_key = EncodingKey::from_secret(OURS.x().as_bytes());
    let unsigned = {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "alg": "none", "kid": OURS.id() })), part(&good))
    };
    let foreign = "invalid_device_token";
    vec![
        ("empty", String::new(), foreign),
        ("nonsense", "nonsense".to_owned(), foreign),
        ("a wrong signature", stranger.sign_as(OURS, &good), foreign),
        ("an unknown key", stranger.sign_as(stranger, &good), foreign),
        ("another issuer", with("iss", json!("another")), foreign),
        ("another audience", with("aud", json!("another")), foreign),
        ("no device id", with("sub", json!("dev_1")), foreign),
        ("a worker's", with("role", json!("worker")), foreign),
        ("no algorithm", unsigned, foreign),
        ("HS256", encode(&hmac, &good, &by_public_key).unwrap(), foreign),
        ("over", with("exp", json!(now - 1)), "device_token_over"),
        (
            "another sponsor's",
            OURS.token(device(7), SponsorId(Uuid::from_u128(5))),
            "other_sponsors_device",
        ),
        ("revoked", OURS.token(device(13), sponsor), "device_revoked"),
    ]
}

#[tokio::test]
async fn a_token_that_is_not_good_is_told_and_never_taken_for_none() {
    let world = DeskWorld::start().await;
    let gateway = Gateway::start(Answer::Away).await;
    let program = world.program(&with_gateway(&gateway, Vec::new())).await;
    let good = OURS.token(device(7), world.sponsor);
    let params = wanted(&world, USER);
    // The paymaster was there first.
    let reply = ask(&program, &good, BUILD, &params).await;
    assert_eq!(refusal(&reply), (163, "devices_unreachable"));
    assert!(reply["error"]["data"]["retry_after"].as_u64().unwrap() >= 1);
    gateway.answer(Answer::Keys(vec![OURS]));
    world
        .until("the gateway's keys are read", || async {
            ask(&program, &good, BUILD, &params).await.get("result").is_some()
        })
        .await;
    let built = built(&world, &program, USER, &good).await;
    let to_execute = Program::executable(&world, USER, &built, &sponsored());
    let asked = [
        (BUILD, params.clone()),
        (CAN_SPONSOR, params.clone()),
        (EXECUTE, to_execute.clone()),
        (DIRECT, direct(&world, &built)),
    ];
    devices::revoke(&world.client, device(13)).await.unwrap();
    for (name, token, reason) in bad_tokens(world.sponsor) {
        for (method, params) in &asked {
            let reply = ask(&program, &token, method, params).await;
            assert_eq!(refusal(&reply), (163, reason), "{method} with {name}: {reply}");
        }
    }
    let twice = request(&program, &[&good, &good], BUILD, &params).send().await.unwrap();
    assert_eq!(refusal(&twice.json().await.unwrap()), (163, "invalid_device_token"));
    for table in ["operation", "reservation", "hold"] {
        assert_eq!(rows(&world, table).await, 0, "{table}");
    }
    // What has no device in it is answered all the same.
    let over = bad_tokens(world.sponsor).into_iter().find(|(name, ..)| *name == "over").unwrap().1;
    let reply = ask(&program, &over, "paymaster_isAvailable", &json!({})).await;
    assert_eq!(reply["result"], true);

    let reply = ask(&program, &good, EXECUTE, &to_execute).await;
    assert!(reply.get("result").is_some(), "{reply}");
    program.settled(&world).await;
    let sql = "select device_id from operation";
    let stored: Uuid = world.client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(DeviceId(stored), device(7));

    // A page may send it.
    let asked = reqwest::Client::new()
        .request(Method::OPTIONS, &program.url)
        .header("origin", "https://game.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", DEVICE_HEADER)
        .send()
        .await
        .unwrap();
    let allowed = asked.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains(DEVICE_HEADER), "{allowed}");

    let alone = world.program(&Settings::default()).await;
    let reply = ask(&alone, &good, BUILD, &params).await;
    assert_eq!(refusal(&reply), (163, "devices_unknown_here"));
}

#[tokio::test]
async fn a_rule_for_one_device_fits_no_other_and_its_failures_are_its_own() {
    let world = DeskWorld::start().await;
    let gateway = Gateway::start(Answer::Keys(vec![OURS])).await;
    let program = world.program(&with_gateway(&gateway, Vec::new())).await;
    let (one, other) = (OURS.token(device(7), world.sponsor), OURS.token(device(8), world.sponsor));
    let params = wanted(&world, USER);
    let to_execute = signed(&world, &program, USER, &other).await;
    let mut document = transfers_allowed();
    document["rules"][0]["when"]["devices"] = json!([device(7)]);
    world.allow(&document).await;
    let told = ask(&program, &one, CAN_SPONSOR, &params).await;
    assert_eq!(told["result"]["sponsored"], true, "{told}");
    let told = ask(&program, &other, CAN_SPONSOR, &params).await;
    assert_eq!(told["result"]["denial"]["reason"], "policy_denied", "{told}");
    for (method, params) in [(BUILD, &params), (EXECUTE, &to_execute)] {
        let reply = ask(&program, &other, method, params).await;
        assert_eq!(refusal(&reply), (156, "policy_denied"), "{method}");
        let nobody = program.fault(method, params.clone()).await;
        assert_eq!((nobody.0, &nobody.1["reason"]), (156, &json!("policy_denied")), "{method}");
    }
    let reply = ask(&program, &one, EXECUTE, &to_execute).await;
    assert!(reply.get("result").is_some(), "{reply}");

    // The account has failed nothing. Its device has, by whatever account.
    world.allow(&transfers_allowed()).await;
    let to_execute = signed(&world, &program, USER + 1, &one).await;
    let mut client = crate::harness::connect(&world.database).await;
    let tx = client.transaction().await.unwrap();
    let outcome = reputation::Outcome::Reverted { cost: Fri(6 * Fri::ONE_STRK.0) };
    let subjects = &[reputation::Subject::Device(device(7))];
    let event = reputation::Event { subjects, outcome };
    reputation::record(&tx, &[event], OffsetDateTime::now_utc()).await.unwrap();
    tx.commit().await.unwrap();
    let reply = ask(&program, &one, EXECUTE, &to_execute).await;
    assert_eq!(refusal(&reply), (163, "banned"), "{reply}");
    assert!(reply["error"]["data"]["retry_after"].as_u64().unwrap() > 60);
    let reply = ask(&program, &other, EXECUTE, &to_execute).await;
    assert!(reply.get("result").is_some(), "another device has not to wait: {reply}");
    program.settled(&world).await;
    let counted = reputation::Subject::Device(device(8));
    let counted = reputation::of(&world.client, counted, OffsetDateTime::now_utc()).await.unwrap();
    assert!(counted.included.millionths > 0, "what it did counts for it");
}

#[tokio::test]
async fn of_64_clients_of_four_devices_each_device_gets_exactly_its_limit() {
    let world = DeskWorld::start().await;
    let gateway = Gateway::start(Answer::Keys(vec![OURS])).await;
    let program = world.program(&with_gateway(&gateway, Vec::new())).await;
    let mut document = transfers_allowed();
    document["rules"][0]["limits"] =
        json!([{ "measure": "operations", "per": "device", "window": "lifetime", "at_most": "3" }]);
    world.allow(&document).await;
    let ids: Vec<DeviceId> = (1..=4).map(device).collect();
    let tokens: Vec<String> = ids.iter().map(|id| OURS.token(*id, world.sponsor)).collect();
    let mut asking = JoinSet::new();
    for number in 0..64 {
        // Each of four accounts asks by each of four devices.
        let (place, user) = (number % 4, USER + number / 4 % 4);
        let params = signed(&world, &program, user, &tokens[place]).await;
        let post = request(&program, &[&tokens[place]], EXECUTE, &params);
        asking.spawn(
            async move { (place, post.send().await.unwrap().json::<Value>().await.unwrap()) },
        );
    }
    let replies = asking.join_all().await;
    for place in 0..4 {
        let of_device = replies.iter().filter(|(of, _)| *of == place).map(|(_, reply)| reply);
        let carried = of_device.clone().filter(|reply| reply.get("result").is_some()).count();
        let limited = of_device.filter(|reply| {
            reply.get("error").is_some() && refusal(reply) == (156, "limit_reached")
        });
        assert_eq!((carried, limited.count()), (3, 13), "device {place}: {replies:?}");
    }
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(4 * 3 * 5));
    let report = sponsors::operations(&world.client, world.sponsor, 1).await.unwrap();
    assert_eq!(report.in_all.succeeded, 12);
    let mut told: Vec<DeviceId> = report.by_device.iter().map(|of| of.device).collect();
    told.sort();
    assert_eq!(told, ids);
    for of in &report.by_device {
        assert_eq!(of.operations.succeeded, 3, "{of:?}");
        assert!(of.operations.cost_fri > Fri::ZERO, "{of:?}");
    }
}

#[tokio::test]
async fn a_device_that_asks_too_much_is_told_when_to_come_back_and_others_are_served() {
    let world = DeskWorld::start().await;
    let gateway = Gateway::start(Answer::Keys(vec![OURS])).await;
    let env = vec![
        ("CIRO_DEVICE_TOKENS_PER_S", "1".to_owned()),
        ("CIRO_DEVICE_TOKENS_AT_ONCE", "60".to_owned()),
    ];
    let program = world.program(&with_gateway(&gateway, env)).await;
    let (one, other) = (OURS.token(device(7), world.sponsor), OURS.token(device(8), world.sponsor));
    let params = wanted(&world, USER);
    for _ in 0..3 {
        let reply = ask(&program, &one, BUILD, &params).await;
        assert!(reply.get("result").is_some(), "{reply}");
    }
    // Another token of the same device is the same device's.
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut again = claims(device(7), world.sponsor);
    again["exp"] = json!(now + 100);
    for token in [one, OURS.sign_as(OURS, &again)] {
        let reply = ask(&program, &token, BUILD, &params).await;
        assert_eq!(refusal(&reply), (-32_005, "rate_limited"), "{reply}");
        assert!(reply["error"]["data"]["retry_after"].as_u64().unwrap() >= 1);
    }
    let reply = ask(&program, &other, BUILD, &params).await;
    assert!(reply.get("result").is_some(), "{reply}");
}
